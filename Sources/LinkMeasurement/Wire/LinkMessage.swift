/// A message of Paramedic Link. On the wire it is one JSON object with its name in `type` and its fields inline.
package enum LinkMessage: Sendable, Equatable {
    case hello(Hello)
    case serverHello(ServerHello)
    case pairRequest(PairRequest)
    case pairResponse(PairResponse)
    case sessionRequest(SessionRequest)
    case sessionGrant(SessionGrant)
    case sessionDeny(SessionDeny)
    case sessionClose(SessionClose)
    case getResult(GetResult)
    case result(SessionResult)
    case tunnelOpen(TunnelOpen)
    case getStatus
    case statusSnapshot(StatusSnapshot)
    case getPathMeta
    case pathMeta(PathMetadata)
    case ok
    case error(LinkError)

    enum Kind: String, Codable {
        case hello
        case serverHello = "server_hello"
        case pairRequest = "pair_request"
        case pairResponse = "pair_response"
        case sessionRequest = "session_request"
        case sessionGrant = "session_grant"
        case sessionDeny = "session_deny"
        case sessionClose = "session_close"
        case getResult = "get_result"
        case result
        case tunnelOpen = "tunnel_open"
        case getStatus = "get_status"
        case statusSnapshot = "status_snapshot"
        case getPathMeta = "get_path_meta"
        case pathMeta = "path_meta"
        case ok
        case error
    }
}

extension LinkMessage: Codable {
    private enum CodingKeys: String, CodingKey { case type }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let name = try container.decode(String.self, forKey: .type)
        guard let kind = Kind(rawValue: name) else {
            let refused = RefusedName(unknown: "message type", name)
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: container.codingPath + [CodingKeys.type],
                    debugDescription: refused.description,
                    underlyingError: refused
                )
            )
        }
        switch kind {
        case .hello: self = .hello(try Hello(from: decoder))
        case .serverHello: self = .serverHello(try ServerHello(from: decoder))
        case .pairRequest: self = .pairRequest(try PairRequest(from: decoder))
        case .pairResponse: self = .pairResponse(try PairResponse(from: decoder))
        case .sessionRequest: self = .sessionRequest(try SessionRequest(from: decoder))
        case .sessionGrant: self = .sessionGrant(try SessionGrant(from: decoder))
        case .sessionDeny: self = .sessionDeny(try SessionDeny(from: decoder))
        case .sessionClose: self = .sessionClose(try SessionClose(from: decoder))
        case .getResult: self = .getResult(try GetResult(from: decoder))
        case .result: self = .result(try SessionResult(from: decoder))
        case .tunnelOpen: self = .tunnelOpen(try TunnelOpen(from: decoder))
        case .getStatus: self = .getStatus
        case .statusSnapshot: self = .statusSnapshot(try StatusSnapshot(from: decoder))
        case .getPathMeta: self = .getPathMeta
        case .pathMeta: self = .pathMeta(try PathMetadata(from: decoder))
        case .ok: self = .ok
        case .error: self = .error(try LinkError(from: decoder))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .type)
        switch self {
        case .hello(let body): try body.encode(to: encoder)
        case .serverHello(let body): try body.encode(to: encoder)
        case .pairRequest(let body): try body.encode(to: encoder)
        case .pairResponse(let body): try body.encode(to: encoder)
        case .sessionRequest(let body): try body.encode(to: encoder)
        case .sessionGrant(let body): try body.encode(to: encoder)
        case .sessionDeny(let body): try body.encode(to: encoder)
        case .sessionClose(let body): try body.encode(to: encoder)
        case .getResult(let body): try body.encode(to: encoder)
        case .result(let body): try body.encode(to: encoder)
        case .tunnelOpen(let body): try body.encode(to: encoder)
        case .statusSnapshot(let body): try body.encode(to: encoder)
        case .pathMeta(let body): try body.encode(to: encoder)
        case .error(let body): try body.encode(to: encoder)
        case .getStatus, .getPathMeta, .ok: break
        }
    }

    var kind: Kind {
        switch self {
        case .hello: .hello
        case .serverHello: .serverHello
        case .pairRequest: .pairRequest
        case .pairResponse: .pairResponse
        case .sessionRequest: .sessionRequest
        case .sessionGrant: .sessionGrant
        case .sessionDeny: .sessionDeny
        case .sessionClose: .sessionClose
        case .getResult: .getResult
        case .result: .result
        case .tunnelOpen: .tunnelOpen
        case .getStatus: .getStatus
        case .statusSnapshot: .statusSnapshot
        case .getPathMeta: .getPathMeta
        case .pathMeta: .pathMeta
        case .ok: .ok
        case .error: .error
        }
    }

    /// The message's name on the wire.
    package var type: String { kind.rawValue }
}
