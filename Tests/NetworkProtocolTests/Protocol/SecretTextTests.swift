internal import Identity
internal import Testing

@testable import NetworkProtocol

@Suite("A secret")
struct SecretTextTests {
    @Test func `a secret is in no text that is made of what holds it`() throws {
        let bytes = (0..<32).map { UInt8(200 + $0 % 50) }
        let key = try #require(PreSharedKey(bytes))
        let cluster = try #require(ClusterKey(bytes))
        let trust = Trust.pinned(identity: IdentityKey(), preSharedKey: key) { _ in true }
        let values: [Any] = [
            key, cluster, trust, Trust.preSharedKey(key), Optional(key) as Any, ["key": key],
            Destination.tcp(host: "127.0.0.1", port: 1, trust: .preSharedKey(key)),
        ]
        for value in values {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                let numbers = text.split { !$0.isNumber }.compactMap { UInt8($0) }
                #expect(!numbers.contains([200, 201, 202]), "\(text)")
            }
        }
    }
}
