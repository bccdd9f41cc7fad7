/// How a daemon handles the messages of its peers.
///
///     var dispatcher = Dispatcher()
///     dispatcher.onCommand("greet") { name, _ in Array("hello, ".utf8) + name }
///     dispatcher.onData { bytes, context in … ; return nil }
///
/// Requests of one connection run concurrently. Messages without a number run one after the other, in order, so their
/// replies need no number. A request whose command has no handler is answered with ``FailureCode/unknownCommand``. A
/// custom message that is refused, or has no handler, is answered with a custom message "error" whose payload contains
/// the reason. Echoes are answered automatically.
///
/// Handlers are child tasks of ``Daemon/run()``. They are canceled when their connection ends, and when a shutdown
/// times out. A daemon waits for all of them, so a long-running handler must respond to its cancellation.
public struct Dispatcher: Sendable {
    /// What a handler gets beside its message.
    public struct Context: Sendable {
        /// The message's connection: to identify the peer, and to send it more than the reply.
        public let connection: Connection
        /// The sender, as far as it was proved.
        public var peer: Peer { connection.peer }
    }

    /// A handler throws it to refuse, with a reason for the peer. Any other error is sent to the peer as
    /// ``FailureCode/internalError`` without its text.
    public struct Refusal: Error, Sendable {
        /// For the peer's program.
        public let code: FailureCode
        /// For people at the peer.
        public let reason: String

        /// Refuses with a reason, by default as ``FailureCode/refused``.
        public init(_ reason: String, code: FailureCode = .refused) {
            self.reason = reason
            self.code = code
        }
    }

    /// Returns the reply to a command, asynchronously; nil if there is none.
    public typealias CommandHandler = @Sendable (_ payload: [UInt8], _ context: Context) async throws -> [UInt8]?
    /// Returns the reply to a command at once; nil if there is none.
    public typealias InlineHandler = @Sendable (_ payload: [UInt8], _ context: Context) throws -> [UInt8]?

    enum Handler: Sendable {
        case task(CommandHandler)
        case inline(InlineHandler)
    }

    private(set) var commands: [String: Handler] = [:]
    private(set) var data: (@Sendable ([UInt8], Context) async throws -> OutgoingMessage?)?
    private(set) var custom: (@Sendable (String, [UInt8], Context) async throws -> [UInt8]?)?
    private(set) var opened: (@Sendable (Connection) async -> Void)?
    private(set) var closed: (@Sendable (Connection, ConnectionError) async -> Void)?

    /// Answers echoes, and refuses every command.
    public init() {}

    /// Handles a command, as a request or as a custom message; the reply goes back as a response, or as a custom
    /// message with the same command. Nil means no reply to a custom message, and an empty one to a request, whose
    /// sender waits for it. Replaces an existing handler of the command.
    public mutating func onCommand(_ command: String, _ handle: @escaping CommandHandler) {
        commands[command] = .task(handle)
    }

    /// The same on the connection's event loop, without a task: for handlers that take microseconds and never wait. A
    /// slow one delays every connection of its event loop.
    public mutating func onCommandInline(_ command: String, _ handle: @escaping InlineHandler) {
        commands[command] = .inline(handle)
    }

    /// Handles commands that have no handler of their own; nil is answered with ``FailureCode/unknownCommand``.
    public mutating func onAnyCommand(
        _ handle:
            @escaping @Sendable (_ command: String, _ payload: [UInt8], _ context: Context) async throws -> [UInt8]?
    ) {
        custom = handle
    }

    /// Handles ``Message/data(_:)``; what it returns is sent back.
    public mutating func onData(
        _ handle: @escaping @Sendable (_ bytes: [UInt8], _ context: Context) async throws -> OutgoingMessage?
    ) {
        data = handle
    }

    /// Called for each connection once it is open, beside the handlers of its messages; canceled, like they are, when
    /// the connection ends.
    public mutating func onOpen(_ handle: @escaping @Sendable (Connection) async -> Void) { opened = handle }

    /// Called for each end of a connection that was open, with the reason: when all its handlers have returned,
    /// including that of ``onOpen(_:)``.
    public mutating func onClose(_ handle: @escaping @Sendable (Connection, ConnectionError) async -> Void) {
        closed = handle
    }

    /// The known commands, for a peer that requested another.
    var unknownCommandReason: String {
        let known = commands.keys.sorted().prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
        return known.isEmpty ? "this daemon has no commands" : "unknown command; there are \(known)"
    }
}
