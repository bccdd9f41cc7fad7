/// The options of a client.
public struct ClientOptions: Sendable {
    /// How each of its connections behaves.
    public var connection = ConnectionOptions()
    /// How long connecting may take, name resolution included, before TLS and handshake start.
    public var connectTimeout = Duration.seconds(5)
    /// How long sending may wait for room, and for a new connection; nil for as long as it takes.
    public var sendTimeout: Duration?
    /// How long a request waits for its reply, and before that for room and a new connection, unless it says otherwise.
    public var responseTimeout = Duration.seconds(30)
    /// Nil: a connection that ends is not made again.
    public var reconnect: Reconnect?

    public init() {}

    /// Reconnecting, after pauses that double and are randomized, so that many clients of one daemon do not come at
    /// once.
    public struct Reconnect: Sendable {
        /// Attempts before giving up.
        public var attempts: Int
        /// Before the second attempt; the first is immediate.
        public var delay: Duration
        /// The longest pause.
        public var maximumDelay: Duration

        public init(attempts: Int = 3, delay: Duration = .seconds(1), maximumDelay: Duration = .seconds(60)) {
            self.attempts = attempts
            self.delay = delay
            self.maximumDelay = maximumDelay
        }

        /// The pause before attempt number `attempt`, counted from 0: between half and all of the doubled delay.
        func pause(before attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
            guard attempt > 0 else { return .zero }
            let longest = max(.zero, min(maximumDelay, Heartbeat.longest))
            var doubled = max(.zero, min(delay, longest))
            // Compared before it is doubled: a pause may be as long as the type can hold.
            for _ in 0..<min(attempt - 1, 64) where doubled < longest {
                doubled = doubled > longest / 2 ? longest : doubled * 2
            }
            return doubled * Double.random(in: 0.5...1, using: &generator)
        }
    }
}
