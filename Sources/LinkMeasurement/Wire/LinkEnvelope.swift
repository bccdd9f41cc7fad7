package import FoundationEssentials
package import NIOCore

/// A message with the ID that links a reply to its request.
package struct LinkEnvelope: Codable, Sendable, Equatable {
    /// Longest accepted `request_id` in bytes.
    package static let maximumRequestIDLength = 128

    package var requestID: String
    package var payload: LinkMessage

    package init(requestID: String, payload: LinkMessage) {
        self.requestID = requestID
        self.payload = payload
    }

    enum CodingKeys: String, CodingKey {
        case requestID = "request_id"
        case payload
    }

    /// One frame, header included.
    package func frame() throws -> ByteBuffer {
        let payload = try LinkJSON.encode(self)
        var buffer = ByteBuffer()
        buffer.reserveCapacity(LinkFrame.headerLength + payload.count)
        LinkFrame.encode(payload, into: &buffer)
        return buffer
    }

    /// Largest frame that refuses a request, header included.
    package static let maximumRefusalLength = 1_024

    /// One frame; an error message is cut so that the frame has at most ``maximumRefusalLength`` bytes.
    package func replyFrame() throws -> ByteBuffer {
        let whole = try frame()
        let excess = whole.readableBytes - Self.maximumRefusalLength
        guard excess > 0 else { return whole }
        var short = self
        switch payload {
        case .error(var error):
            error.message = Self.shortened(error.message, by: excess)
            short.payload = .error(error)
        case .sessionDeny(var deny):
            deny.message = Self.shortened(deny.message, by: excess)
            short.payload = .sessionDeny(deny)
        case .pairResponse(var response):
            response.message = Self.shortened(response.message, by: excess)
            short.payload = .pairResponse(response)
        default: return whole
        }
        return try short.frame()
    }

    /// Each scalar takes at least one byte, and the ellipsis three.
    private static func shortened(_ words: String, by bytes: Int) -> String {
        let kept = words.unicodeScalars.dropLast(bytes + 3)
        return String(String.UnicodeScalarView(kept)) + "…"
    }

    /// Decodes one frame's payload. The error carries the request's ID if it could be read.
    package static func decode(_ payload: ByteBuffer) throws(LinkDecodingError) -> LinkEnvelope {
        let data = Data(payload.readableBytesView)
        let envelope: LinkEnvelope
        do {
            envelope = try LinkJSON.decode(LinkEnvelope.self, from: data)
        } catch {
            let id = (try? LinkJSON.decode(RequestID.self, from: data))?.requestID
            throw LinkDecodingError(
                requestID: id.flatMap { $0.utf8.count <= maximumRequestIDLength ? $0 : nil } ?? "",
                message: LinkJSON.describe(error)
            )
        }
        guard envelope.requestID.utf8.count <= maximumRequestIDLength else {
            throw LinkDecodingError(
                requestID: "",
                message: "request_id is too long: must be at most \(maximumRequestIDLength) bytes"
            )
        }
        return envelope
    }

    package static func read(_ payload: ByteBuffer) -> Result<LinkEnvelope, LinkDecodingError> {
        do throws(LinkDecodingError) {
            return .success(try decode(payload))
        } catch {
            return .failure(error)
        }
    }

    private struct RequestID: Decodable {
        let requestID: String

        enum CodingKeys: String, CodingKey { case requestID = "request_id" }
    }
}

/// A frame that is not a message of ours; answered with `error` 400.
package struct LinkDecodingError: Error, Equatable {
    package let requestID: String
    package let message: String
}

/// The link's JSON: compact, with sorted keys, so that equal messages are equal bytes.
package enum LinkJSON {
    package static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(value))
    }

    package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        try JSONDecoder().decode(type, from: data)
    }

    /// Which field of a message is wrong, and why, in one sentence with at most 64 scalars from the peer.
    package static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the frame is not JSON" }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(path(context, key)) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context)) has the wrong type"
        case .dataCorrupted(let context):
            guard !context.codingPath.isEmpty else { return "the frame is not a JSON object" }
            // The JSON decoder's own message quotes the value, however long it is.
            switch context.underlyingError {
            case let words as RefusedName: return "\(path(context)): \(words)"
            case let words as LinkText.TooLong: return "\(path(context)): \(words)"
            default: return "\(path(context)) has an invalid value"
            }
        @unknown default:
            return "the message cannot be read"
        }
    }

    private static func path(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
        (context.codingPath + (last.map { [$0] } ?? [])).map { $0.stringValue.printable(limit: 64) }.joined(
            separator: "."
        )
    }
}
