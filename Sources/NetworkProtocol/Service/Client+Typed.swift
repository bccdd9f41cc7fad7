extension Client {
    /// Sends a request whose payload is a value, and waits for its reply, which is also a value: like ``Connection``'s.
    public func request<Reply: Decodable & Sendable>(
        _ command: String,
        sending value: some Encodable & Sendable,
        returning: Reply.Type = Reply.self,
        coder: some PayloadCoder = JSONPayloadCoder(),
        timeout: Duration? = nil
    ) async throws -> Reply {
        try await coder.exchange(value) { payload throws(ConnectionError) in
            try await request(command, payload, timeout: timeout)
        }
    }
}
