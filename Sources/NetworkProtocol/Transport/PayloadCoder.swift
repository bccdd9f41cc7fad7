internal import FoundationEssentials

/// How the values of typed commands become payloads, and payloads become values.
public protocol PayloadCoder: Sendable {
    /// Encodes a value as a payload.
    func encode(_ value: some Encodable) throws -> [UInt8]
    /// Decodes the value of a payload, which came from outside.
    func decode<Value: Decodable>(_ type: Value.Type, from payload: [UInt8]) throws -> Value
}

/// JSON (RFC 8259), with the keys in alphabetical order: each value has exactly one payload.
public struct JSONPayloadCoder: PayloadCoder {
    public init() {}

    public func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    public func decode<Value: Decodable>(_ type: Value.Type, from payload: [UInt8]) throws -> Value {
        try JSONDecoder().decode(type, from: Data(payload))
    }
}

/// A payload that does not match its type.
public struct PayloadCodingError: Error, Sendable, CustomStringConvertible {
    /// The step that failed.
    public enum Step: Sendable, Hashable {
        /// The request's value could not be encoded, and nothing was sent.
        case encodingRequest
        /// The reply arrived, and is not a value of the type.
        case decodingReply
    }

    public let step: Step
    /// The coder's error.
    public let reason: String

    public var description: String {
        switch step {
        case .encodingRequest: "the request was not sent: its value cannot be encoded: \(reason)"
        case .decodingReply: "the reply cannot be decoded: \(reason)"
        }
    }
}

extension PayloadCoder {
    /// Encodes `value`, sends it with `send`, and decodes the reply.
    func exchange<Reply: Decodable>(
        _ value: some Encodable,
        _ send: ([UInt8]) async throws(ConnectionError) -> [UInt8]
    ) async throws -> Reply {
        let payload: [UInt8]
        do { payload = try encode(value) } catch {
            throw PayloadCodingError(step: .encodingRequest, reason: "\(error)")
        }
        let reply = try await send(payload)
        do { return try decode(Reply.self, from: reply) } catch {
            throw PayloadCodingError(step: .decodingReply, reason: UntrustedText.sanitized("\(error)", limit: 400))
        }
    }
}

extension Connection {
    /// Sends a request whose payload is a value, and waits for its reply, which is also a value.
    ///
    /// Throws a ``PayloadCodingError`` if a value cannot be encoded or decoded; otherwise what the request with bytes
    /// throws.
    public func request<Reply: Decodable & Sendable>(
        _ command: String,
        sending value: some Encodable & Sendable,
        returning: Reply.Type = Reply.self,
        coder: some PayloadCoder = JSONPayloadCoder(),
        timeout: Duration = .seconds(30)
    ) async throws -> Reply {
        try await coder.exchange(value) { payload throws(ConnectionError) in
            try await request(command, payload, timeout: timeout)
        }
    }
}

extension Dispatcher {
    /// Handles a command whose payload and reply are values. A payload that is not a value of the type is refused with
    /// ``FailureCode/refused``; the handler does not see it.
    public mutating func onCommand<Value: Decodable & Sendable, Reply: Encodable & Sendable>(
        _ command: String,
        taking: Value.Type,
        coder: some PayloadCoder = JSONPayloadCoder(),
        _ handle: @escaping @Sendable (Value, Context) async throws -> Reply
    ) {
        onCommand(command) { payload, context in
            let value: Value
            do { value = try coder.decode(Value.self, from: payload) } catch {
                throw Refusal("the payload of \(command) is not what the command takes")
            }
            return try coder.encode(try await handle(value, context))
        }
    }
}
