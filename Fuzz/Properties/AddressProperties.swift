internal import FileTransferNode
internal import Identity
internal import PacketIO
internal import Paramedic
internal import Reflector

/// Addresses in text: of a reflector, of an interface, of a place to listen.
enum AddressProperties {
    /// What is read is written in one form, which reads the same.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return }
        if let host = InternetHost(text) {
            try require(InternetHost(host.description) == host, "\(host) is not read as it was written")
        }
        if let address = InternetAddress(text) {
            try require(InternetAddress(address.description) == address, "\(address) is not read as it was written")
        }
        if let listen = ListenAddress(text) {
            try require((0...65_535).contains(listen.port), "a port is \(listen.port)")
            try require(ListenAddress(listen.description) == listen, "\(listen) is not read as it was written")
        }
        try checkReflector(text)
        try checkCourier(text)
    }

    /// `ID@HOST:PORT`.
    private static func checkCourier(_ text: String) throws(PropertyBroken) {
        guard let id = EndpointID(publicKey: [UInt8](repeating: 1, count: EndpointID.keyLength)) else { return }
        let place: PeerLocation
        do throws(PeerLocation.Problem) { place = try PeerLocation(parsing: "\(id)@\(text)") } catch {
            return try ErrorText.check(error)
        }
        try require(place.port > 0 && (1...253).contains(place.host.utf8.count), "\(place) has no place")
        try ErrorText.check(place.description)
        let again = try? PeerLocation(parsing: place.description)
        try require(again == place, "\(place) is not read as it was written")
    }

    private static func checkReflector(_ text: String) throws(PropertyBroken) {
        guard let id = EndpointID(publicKey: [UInt8](repeating: 1, count: EndpointID.keyLength)) else { return }
        let address: ReflectorAddress
        do { address = try ReflectorAddress(parsing: text, endpointID: id) } catch {
            return try ErrorText.check(error)
        }
        try require((1...65_535).contains(address.port), "a port is \(address.port)")
        try require((1...253).contains(address.host.utf8.count), "a host has \(address.host.utf8.count) bytes")
        try ErrorText.check(address.hostAndPort)
        let again = try? ReflectorAddress(parsing: address.hostAndPort, endpointID: id)
        try require(again == address, "\(address.hostAndPort) is not read as it was written")
    }
}
