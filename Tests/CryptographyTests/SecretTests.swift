internal import Glibc
internal import OwnThread
internal import Testing

@testable import Cryptography

@Suite("Key material", .ownThread)
struct SecretTests {
    @Test func `key material is what it was made of, and is compared byte by byte`() {
        let bytes = (0..<48).map { UInt8($0) }
        let secret = Secret(bytes)
        #expect(Array(secret) == bytes && secret.count == 48)
        #expect(secret == Secret(bytes) && secret != Secret(bytes.dropLast()) && secret != Secret(bytes.reversed()))
        #expect(Array(secret[32...]) == Array(bytes[32...]))
        #expect("\(secret)" == "secret")
    }

    @Test func `key material is zeros when it was overwritten, and so is an array`() {
        let secret = Secret([UInt8](repeating: 7, count: 48))
        secret.wipe()
        #expect(secret.allSatisfy { $0 == 0 } && secret.count == 48)
        var array = [UInt8](repeating: 7, count: 48)
        Wiping.wipe(&array)
        #expect(array == [UInt8](repeating: 0, count: 48))
        var none: [UInt8] = []
        Wiping.wipe(&none)
    }

    @Test func `key material is overwritten before its memory is given back`() {
        let count = 512
        var secret: Secret? = Secret(repeatElement(0xA5, count: count))
        // No pointer is kept: the kernel reads the memory afterward, even if it has been reused by then.
        let address = secret?.withUnsafeBytes { off_t(Int(bitPattern: $0.baseAddress)) } ?? 0
        func left() -> Int {
            var bytes = [UInt8](repeating: 0, count: count)
            let memory = unsafe open("/proc/self/mem", O_RDONLY)
            defer { close(memory) }
            let read = unsafe bytes.withUnsafeMutableBytes { unsafe pread(memory, $0.baseAddress, count, address) }
            return bytes.prefix(max(0, read)).count { $0 == 0xA5 }
        }
        #expect(left() == count)
        secret = nil
        #expect(left() < count / 8)
    }
}
