import Testing

@testable import Cryptography

@Suite struct `Key material` {
    @Test func `is what it was made of, and is compared byte by byte`() {
        let bytes = (0..<48).map { UInt8($0) }
        let secret = Secret(bytes)
        #expect(Array(secret) == bytes && secret.count == 48)
        #expect(secret == Secret(bytes) && secret != Secret(bytes.dropLast()) && secret != Secret(bytes.reversed()))
        #expect(Array(secret[32...]) == Array(bytes[32...]))
        #expect("\(secret)" == "secret")
    }

    @Test func `is zeros when it was overwritten, and so is an array`() {
        let secret = Secret([UInt8](repeating: 7, count: 48))
        secret.wipe()
        #expect(secret.allSatisfy { $0 == 0 } && secret.count == 48)
        var array = [UInt8](repeating: 7, count: 48)
        Wiping.wipe(&array)
        #expect(array == [UInt8](repeating: 0, count: 48))
        var none: [UInt8] = []
        Wiping.wipe(&none)
    }
}
