internal import Glibc
internal import OwnThread
internal import SystemErrors
internal import Testing

@Suite("System errors", .ownThread) struct SystemErrorTests {
    @Test func `an error says what failed, on what, why, and for the network what to do`() {
        let error = SystemError(call: "bind", subject: "127.0.0.1:80", code: EADDRINUSE)
        #expect(error.description.hasPrefix("bind 127.0.0.1:80: Address already in use; "))
        #expect(error.description.contains("choose another port"))
        #expect(SystemError(call: "bind", code: EACCES).description.contains("ports below 1024"))
    }

    @Test(
        arguments: [EACCES, EPERM, EMFILE]
    )
    func `a call about a file gives no advice about ports: the code that knows the file gives it`(code: Int32) {
        let error = SystemError(call: "open", subject: "/etc/shadow", code: code)
        #expect(error.description == "open /etc/shadow: \(error.reason)")
    }

    @Test func `an errno that the kernel does not know has words too`() {
        #expect(SystemError(call: "read", code: 99_999).description == "read: unknown error")
    }
}
