/// Why something was not possible: a ``code`` for the program, and a ``message`` with the remedy for
/// its user.
public struct NodeError: Error, Sendable, Hashable {
    /// What kind of failure it is. Later versions may have more.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        enum Value: String {
            case refused, peer, network, local, integrity, cancelled, invalidRecipient, shutDown
        }

        let value: Value

        init(_ value: Value) { self.value = value }

        /// The peer or its user refused, or has no place now.
        public static let refused = Code(.refused)
        /// The peer is not who it should be, or broke the protocol.
        public static let peer = Code(.peer)
        /// The peer cannot be reached, or was lost. What has arrived is kept: begin again.
        public static let network = Code(.network)
        /// A file, folder, socket or key of this machine cannot be used.
        public static let local = Code(.local)
        /// What arrived is not what its digest says.
        public static let integrity = Code(.integrity)
        /// This program canceled it.
        public static let cancelled = Code(.cancelled)
        /// The text is neither a ticket nor `ID@HOST:PORT`.
        public static let invalidRecipient = Code(.invalidRecipient)
        /// The node was shut down.
        public static let shutDown = Code(.shutDown)

        public var description: String { value.rawValue }
    }

    public let code: Code
    /// What failed, and how to mend it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    static let wasShutDown = NodeError(.shutDown, "the node was shut down; make another one")

    /// What a transfer or a socket throws.
    init(_ error: any Error) {
        switch error {
        case let error as NodeError: self = error
        case let error as TransferError:
            let code: Code =
                switch error.kind {
                case .refused: .refused
                case .peer: .peer
                case .network: .network
                case .local: .local
                case .integrity: .integrity
                }
            self.init(code, error.description)
        case is CancellationError: self.init(.cancelled, "it was canceled")
        default: self.init(.local, "\(error)")
        }
    }
}

extension NodeError: CustomStringConvertible {
    public var description: String { message }
}
