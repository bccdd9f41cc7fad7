internal import Foundation
internal import FuzzProperties
internal import OwnThread
internal import Testing

@Suite("Inputs that fuzzing kept", .ownThread)
struct CorpusReplayTests {
    /// `Fuzz/Corpus`, as committed.
    static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzz/Corpus")

    /// The inputs of a surface, by name.
    static func inputs(_ surface: FuzzSurface) throws -> [(name: String, bytes: [UInt8])] {
        let folder = corpus.appending(path: surface.rawValue)
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, [UInt8](try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @Test(arguments: FuzzSurface.allCases)
    func `every input of the corpus keeps the properties of its surface`(_ surface: FuzzSurface) throws {
        let inputs = try Self.inputs(surface)
        #expect(inputs.count >= 12, "\(surface.rawValue) has \(inputs.count) inputs")
        for (name, bytes) in inputs {
            do throws(PropertyBroken) { try surface.check(bytes) } catch {
                Issue.record("\(surface.rawValue)/\(name): \(error)")
            }
        }
    }

    @Test func `every folder of the corpus belongs to a surface, and all are small enough to be committed`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(Set(folders) == Set(FuzzSurface.allCases.map(\.rawValue)))
        let bytes = try FuzzSurface.allCases.flatMap { try Self.inputs($0) }.reduce(0) { $0 + $1.bytes.count }
        #expect(bytes < 300_000)
    }
}
