internal import ArgumentParser
internal import PacketIO

/// `--listen` of the commands that wait for others.
enum ListenOption {
    static func parse(_ text: String) throws -> InternetAddress {
        if let address = InternetAddress(text) { return address }
        throw ValidationError("--listen \(text): not an address and a port, such as 0.0.0.0:4900 or [::]:4900")
    }
}
