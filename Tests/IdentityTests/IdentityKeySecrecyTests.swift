internal import Crypto
internal import Testing

@testable import Identity

@Suite("A machine's key")
struct IdentityKeySecrecyTests {
    @Test func `a machine's key is in no text that is made of it`() {
        let key = IdentityKey()
        var dumped = ""
        dump(["key": key], to: &dumped)
        let seed = Array(key.signingKey.rawRepresentation)
        let id = key.endpointID
        for text in ["\(key)", String(reflecting: key), "\(Optional(key) as Any)", dumped] {
            #expect(text.contains("\(id)"))
            let numbers = text.split { !$0.isNumber }.compactMap { UInt8($0) }
            #expect(!numbers.contains(seed))
        }
        #expect("\(key)" == "key of \(id)")
    }
}
