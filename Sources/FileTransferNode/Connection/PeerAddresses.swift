internal import FileTransfer
internal import PacketIO

/// The addresses of a session's peer by the numbers that the session gives them. It says which of them still count.
struct PeerAddresses {
    private var list: [InternetAddress]

    /// - Parameter first: that of the handshake, number 0.
    init(_ first: InternetAddress) {
        list = [InternetAddress](repeating: first, count: PathArrival.mostAddresses)
    }

    subscript(number: Int) -> InternetAddress {
        get { list[number] }
        set { list[number] = newValue }
    }

    /// The number of an address, of those that are held.
    func number(of address: InternetAddress, isHeld: (Int) -> Bool) -> Int? {
        list.indices.first { list[$0] == address && isHeld($0) }
    }
}
