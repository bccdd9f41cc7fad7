internal import Foundation
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Accounts")
struct AccountStoreTests {
    private static let day = SessionPolicy.millisecondsPerDay

    @Test func `a test that runs over midnight stays within the bytes of the day it began in`() throws {
        let folder = NSTemporaryDirectory() + "as-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = AccountStore(database: try ReflectorDatabase.open(inFolder: folder))
        let evening = 20_000 * Self.day - 12_000
        let begin = { (id: String, now: Int64) in
            try store.begin(testID: id, peer: "p", type: .throughput, now: now, running: []) { _ in 100 }
        }
        _ = try begin("earlier", evening - 60_000)
        try store.finish(testID: "earlier", bytes: 100, now: evening - 50_000)
        _ = try begin("late", evening)
        let charge = { (now: Int64) in
            try store.charge(testID: "late", peer: "p", bytes: 100, limit: 350, now: now)
        }
        #expect(try charge(evening + 1_000) == 100)
        #expect(try charge(evening + 20_000) == 50)
        #expect(try charge(evening + 21_000) == 0)
        // The new day is the next test's.
        #expect(try store.today(of: "p", now: evening + 20_000).bytes == 0)
    }
}
