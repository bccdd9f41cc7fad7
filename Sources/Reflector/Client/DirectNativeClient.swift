struct DirectNativeClient: Sendable {
    let address: ReflectorAddress
    let grant: SessionGrant
    let params: SessionParameters
    let meters: ClientMeters
    func run(host: String) async throws -> ThroughputResult { throw ParamedicError.invalid("not yet") }
}
