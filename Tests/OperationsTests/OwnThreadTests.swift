internal import Foundation
internal import OwnThread
internal import Testing

/// A test that blocks keeps no thread of Swift's tasks.
@Suite("Threads of tests", .ownThread)
struct OwnThreadTests {
    @Test(arguments: 0..<3)
    func `each case has a thread of its own, also after it was suspended`(number: Int) async throws {
        let before = Self.thread
        #expect(OwnThread.isCurrent)
        try await Task.sleep(for: .milliseconds(number))
        #expect(Self.thread === before)
        await Self.elsewhere()
        #expect(Self.thread === before)
    }

    @Test func `a test that is not asynchronous has one, too`() { #expect(OwnThread.isCurrent) }

    private static var thread: Thread { Thread.current }

    @concurrent private static func elsewhere() async { await Task.yield() }
}
