internal import Cryptography
package import Identity

/// How to reach a host that sends or receives: section 6 of `Docs/COURIER-PROTOCOL.md`.
package struct Ticket: Equatable, Sendable {
    /// An address of the host: 4 bytes for IPv4 or 16 for IPv6, and a UDP port.
    package struct Address: Hashable, Sendable {
        package let host: [UInt8]
        package let port: UInt16

        package init(host: [UInt8], port: UInt16) {
            precondition(host.count == 4 || host.count == 16, "an address has 4 or 16 bytes")
            self.host = host
            self.port = port
        }
    }

    static let prefix = "courier:"
    static let version: UInt8 = 1
    static let mostAddresses = 16
    private static let checksumLength = 4
    private static let longestText = 2_048

    package var endpointID: EndpointID
    /// What a handshake with the host must know beside its Endpoint ID: 16 bytes, or none.
    package var contactSecret: [UInt8]
    package var addresses: [Address]

    package init(endpointID: EndpointID, contactSecret: [UInt8] = [], addresses: [Address]) {
        precondition(contactSecret.isEmpty || contactSecret.count == 16, "a contact secret has 16 bytes")
        self.endpointID = endpointID
        self.contactSecret = contactSecret
        self.addresses = addresses
    }

    private enum Field: UInt8 {
        case contactSecret = 1
        case ipv4 = 2
        case ipv6 = 3
    }

    /// One word that can be copied and pasted.
    package var text: String {
        var bytes = [Self.version] + endpointID.publicKey
        func add(_ field: Field, _ value: [UInt8]) { bytes += [field.rawValue, UInt8(value.count)] + value }
        if !contactSecret.isEmpty { add(.contactSecret, contactSecret) }
        for address in addresses.prefix(Self.mostAddresses) {
            var value = address.host
            value.append(bigEndian: address.port)
            add(address.host.count == 4 ? .ipv4 : .ipv6, value)
        }
        return Self.prefix + Base32.text(bytes + BLAKE3.hash(bytes.rawBytes).prefix(Self.checksumLength))
    }

    /// Parses a ticket.
    package init(parsing text: String) throws(TicketError) {
        let word = text.lowercased()
        guard word.hasPrefix(Self.prefix), word.utf8.count <= Self.longestText else { throw .noTicket }
        guard let all = Base32.bytes(word.dropFirst(Self.prefix.count)) else { throw .mistyped }
        let bytes = Array(all.dropLast(Self.checksumLength))
        guard all.count > Self.checksumLength,
            BLAKE3.hash(bytes.rawBytes).prefix(Self.checksumLength).elementsEqual(all.suffix(Self.checksumLength))
        else { throw .mistyped }
        var reader = WireReader(bytes.rawBytes)
        guard let version = reader.integer(UInt8.self) else { throw .mistyped }
        guard version == Self.version else { throw .unknownVersion(version) }
        guard let key = reader.bytes(EndpointID.keyLength), let endpointID = EndpointID(publicKey: key) else {
            throw .mistyped
        }
        self.endpointID = endpointID
        contactSecret = []
        addresses = []
        while !reader.isAtEnd {
            guard let type = reader.integer(UInt8.self), let length = reader.integer(UInt8.self),
                let value = reader.bytes(Int(length))
            else { throw .mistyped }
            switch Field(rawValue: type) {
            case .contactSecret where value.count == 16: contactSecret = value
            case .ipv4 where value.count == 6, .ipv6 where value.count == 18:
                let port = UInt16(value[value.count - 2]) << 8 | UInt16(value[value.count - 1])
                if addresses.count < Self.mostAddresses {
                    addresses.append(Address(host: Array(value.dropLast(2)), port: port))
                }
            // Later versions may add fields.
            case nil: break
            default: throw .mistyped
            }
        }
    }
}

package enum TicketError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Not even the beginning of one.
    case noTicket
    /// Its checksum or a field is wrong.
    case mistyped
    case unknownVersion(UInt8)

    package var description: String {
        switch self {
        case .noTicket: "not a ticket: a ticket starts with \(Ticket.prefix)"
        case .mistyped: "the ticket is incomplete or mistyped; copy all of it again"
        case .unknownVersion(let version): "the ticket has version \(version), but this program knows 1; update it"
        }
    }
}

/// Base 32 (RFC 4648, section 6) in lower case, without padding.
enum Base32 {
    private static let digits = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(digits[Int(bits >> count & 31)])
            }
            bits &= 1 << count - 1
        }
        if count > 0 { text.append(digits[Int(bits << (5 - count) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// Nil for other characters, for lengths that no bytes have, and if bits are set behind the last byte.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for character in text.utf8 {
            guard let digit = digits.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt32(digit)
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> count))
                bits &= 1 << count - 1
            }
        }
        return count < 5 && bits == 0 ? bytes : nil
    }
}
