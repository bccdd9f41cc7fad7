/// What a daemon does with the messages of its peers.
///
///     var dispatcher = Dispatcher()
///     dispatcher.onCommand("greet") { name, _ in Array("hello, ".utf8) + name }
///     dispatcher.onData { bytes, context in … ; return nil }
///
/// Requests of one connection run side by side; messages without a number run one after the other, in the order they came, so that
/// their replies need none. A request whose command no handler has is answered with ``FailureCode/unknownCommand``; a custom message that is
/// refused, or has no handler, with a custom message "error" whose payload says why. Echoes come back by themselves.
///
/// Handlers are child tasks of ``Daemon/run()``. They are canceled when their connection ends, and when a shutdown takes longer than it
/// may; a daemon waits for all of them. So a handler that takes long heeds its cancellation.
public struct Dispatcher: Sendable {
    /// What a handler knows beside its message.
    public struct Context: Sendable {
        /// Where the message came from: to know the peer, and to send it more than the reply.
        public let connection: Connection
        /// Who sent it, as far as it was proved.
        public var peer: Peer { connection.peer }
    }

    /// A handler throws it to refuse, with a reason for the peer to read. Any other error is told to the peer as
    /// ``FailureCode/internalError`` without its text.
    public struct Refusal: Error, Sendable {
        /// What the peer's program may go by.
        public let code: FailureCode
        /// For the peer's people to read.
        public let reason: String

        /// Refuses for a reason, as ``FailureCode/refused`` if nothing else is said.
        public init(_ reason: String, code: FailureCode = .refused) {
            self.reason = reason
            self.code = code
        }
    }

    /// Gives the reply to a command, in its own time; nil when there is nothing to say.
    public typealias CommandHandler = @Sendable (_ payload: [UInt8], _ context: Context) async throws -> [UInt8]?
    /// Gives the reply to a command at once; nil when there is nothing to say.
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

    /// Handles a command, whether it comes as a request or as a custom message; the reply goes back as a response, or as a custom message
    /// of the same command. Nil is no reply to a custom message, and an empty one to a request, whose sender waits for it. A command that
    /// already has a handler gets this one.
    public mutating func onCommand(_ command: String, _ handle: @escaping CommandHandler) {
        commands[command] = .task(handle)
    }

    /// The same on the connection's event loop, without a task: for handlers that take microseconds and never wait. One that takes longer
    /// holds up every connection of its event loop.
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

    /// Told of each connection once it is open, beside the handlers of its messages; canceled, as they are, when the connection ends.
    public mutating func onOpen(_ handle: @escaping @Sendable (Connection) async -> Void) { opened = handle }

    /// Told of each end of a connection that was open, with the reason: when all its handlers have returned, that of ``onOpen(_:)`` too.
    public mutating func onClose(_ handle: @escaping @Sendable (Connection, ConnectionError) async -> Void) {
        closed = handle
    }

    /// The commands there are, for the one who asked for another.
    var unknownCommandReason: String {
        let known = commands.keys.sorted().prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
        return known.isEmpty ? "this daemon has no commands" : "unknown command; there are \(known)"
    }
}
