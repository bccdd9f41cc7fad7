package import LinkMeasurement

extension LinkClient {
    /// The client's features in `hello`.
    static let features = [LinkFeature.native, LinkFeature.latencyProbe, LinkFeature.iperf3]

    package func hello() async throws -> ServerHello {
        let answer = try await ask(.hello(Hello(features: Self.features)))
        if case .serverHello(let hello) = answer { return hello }
        throw Self.failure(answer)
    }

    package func pair(token: String, label: String?) async throws -> PairResponse {
        let answer = try await ask(.pairRequest(PairRequest(token: token, label: label)))
        if case .pairResponse(let response) = answer { return response }
        throw Self.failure(answer)
    }

    package func request(_ request: SessionRequest) async throws -> SessionGrant {
        let answer = try await ask(.sessionRequest(request))
        if case .sessionGrant(let grant) = answer { return try grant.checked() }
        throw Self.failure(answer)
    }

    package func close(_ testID: String, seconds: Int = LinkClient.answerSeconds) async throws {
        let answer = try await ask(.sessionClose(SessionClose(testID: testID)), seconds: seconds)
        if case .ok = answer { return }
        throw Self.failure(answer)
    }

    package func result(of testID: String, seconds: Int = LinkClient.resultSeconds) async throws -> SessionResult {
        let answer = try await ask(.getResult(GetResult(testID: testID)), seconds: seconds)
        if case .result(let result) = answer { return result }
        throw Self.failure(answer)
    }

    package func status() async throws -> StatusSnapshot {
        let answer = try await ask(.getStatus)
        if case .statusSnapshot(let status) = answer { return status }
        throw Self.failure(answer)
    }

    package func pathMetadata() async throws -> PathMetadata {
        let answer = try await ask(.getPathMeta)
        if case .pathMeta(let metadata) = answer { return metadata }
        throw Self.failure(answer)
    }

    private static func failure(_ answer: LinkMessage) -> LinkClientError {
        switch answer {
        case .error(let error): .refused(error)
        case .sessionDeny(let deny): .denied(deny)
        default: .unexpected(answer.type)
        }
    }
}
