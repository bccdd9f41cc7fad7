internal import Foundation
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("One heavy test at a time")
struct HeavyTestLockTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "lock-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func `a second one fails while the first runs, and runs when it has ended`() throws {
        try withFolder { folder in
            let first = try HeavyTestLock(folder: folder)
            let error = #expect(throws: ParamedicError.self) { _ = try HeavyTestLock(folder: folder) }
            #expect(error?.description.contains("another paramedic is running") == true)
            withExtendedLifetime(first) {}
        }
    }

    @Test func `a lock that cannot be opened is not another paramedic: the error has the system's reason and the path`()
        throws
    {
        try withFolder { folder in
            let path = folder + "/heavy-test.lock"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            for (place, reason) in [(folder, "directory"), (folder + "/none", "No such file")] {
                let error = #expect(throws: ParamedicError.self) { _ = try HeavyTestLock(folder: place) }
                let text = error?.description ?? ""
                #expect(
                    text.contains(place + "/heavy-test.lock") && text.lowercased().contains(reason.lowercased()),
                    "\(text)"
                )
                #expect(!text.contains("another paramedic"))
            }
        }
    }
}
