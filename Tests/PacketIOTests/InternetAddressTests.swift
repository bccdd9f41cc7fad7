internal import Glibc
internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite(.ownThread) struct InternetAddressTests {
    @Test(arguments: [
        ("1.2.3.4:5", "1.2.3.4:5"), ("[::1]:65535", "[::1]:65535"), ("[2001:DB8:0:0:0:0:0:1]:80", "[2001:db8::1]:80"),
        ("0.0.0.0:0", "0.0.0.0:0"), ("[::]:1", "[::]:1"), ("[fe80::1%7]:9", "[fe80::1%7]:9"),
    ])
    func `a numeric address is read and written back`(text: String, canonical: String) {
        #expect(InternetAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:+5", "1.2.3:5", "256.1.1.1:5", "::1:5", "[::1]",
        "[]:5",
        "[1.2.3.4]:5", "localhost:5", "[::1%]:5", "[::1:5", "1.2.3.4\u{0}:5", "[fe80::1%no-such-interface]:1",
        "１.2.3.4:5",
    ])
    func `what is no numeric address is refused`(text: String) {
        #expect(InternetAddress(text) == nil)
    }

    @Test func `an IPv4 address equals its mapped form`() {
        let plain = InternetAddress("192.0.2.7:99")
        let mapped = InternetAddress("[::ffff:192.0.2.7]:99")
        #expect(plain != nil && plain == mapped)
        #expect(mapped?.description == "192.0.2.7:99")
        #expect(InternetAddress("[::192.0.2.7]:99") != plain)
        #expect(plain != InternetAddress("192.0.2.7:98"))
    }

    @Test func `a scope on a global address does not make it another`() {
        #expect(InternetHost("2001:db8::1%3") == InternetHost("2001:db8::1"))
        #expect(InternetHost("fe80::1%3") != InternetHost("fe80::1%4"))
    }

    @Test(arguments: ["1.2.3.4:5", "[2001:db8::1]:443", "[fe80::1%7]:9"])
    func `a socket address round trips and a truncated one is refused`(text: String) throws {
        let address = try #require(InternetAddress(text))
        let (storage, length) = address.storage()
        #expect(InternetAddress(storage, length: Int(length)) == address)
        for short in -1..<Int(length) { #expect(InternetAddress(storage, length: short) == nil) }
        let (mapped, mappedLength) = address.storage(mapped: true)
        #expect(Int32(mapped.ss_family) == AF_INET6)
        #expect(InternetAddress(mapped, length: Int(mappedLength)) == address)
    }

    @Test func `another family is refused`() {
        var storage = sockaddr_storage()
        storage.ss_family = sa_family_t(AF_UNIX)
        #expect(InternetAddress(storage, length: 128) == nil)
    }
}
