internal import Foundation
internal import NetworkProtocol
internal import Operations
internal import Testing

/// Compression against Debian's python3-lz4 and python3-zstandard.
@Suite("Compression beside Python's libraries")
struct CompressionPeerTests {
    static let script = """
        import os, sys, lz4.block, zstandard
        folder, algorithm = sys.argv[1:]
        for name in sorted(os.listdir(folder)):
            data = open(f"{folder}/{name}", "rb").read()
            if name.endswith(".ours"):
                plain = lz4.block.decompress(data) if algorithm == "lz4" else zstandard.ZstdDecompressor().decompress(data)
                open(f"{folder}/{name}.plain", "wb").write(plain)
            else:
                level = int(name.split(".")[0]) % 19 + 1
                packed = lz4.block.compress(data, mode="high_compression", compression=level % 12 + 1) \\
                    if algorithm == "lz4" else zstandard.ZstdCompressor(level=level).compress(data)
                open(f"{folder}/{name}.theirs", "wb").write(packed)
        """

    @Test(arguments: CompressionAlgorithm.allCases)
    func `each side decompresses what the other compressed`(_ algorithm: CompressionAlgorithm) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "compression-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let payloads = (0..<40).map { number in
            number % 5 == 4
                ? CompressionTests.noise(number * 300)
                : CompressionTests.prose(1 << (number % 18), seed: UInt64(number))
        }
        for (number, payload) in payloads.enumerated() {
            try Data(payload).write(to: folder.appending(path: "\(number).plain"))
            if let ours = CompressionTests.compress(payload, algorithm) {
                try Data(ours).write(to: folder.appending(path: "\(number).ours"))
            }
        }
        // Debian's own, which finds Debian's packages whatever else is in PATH.
        let exit = try await ChildProcess.start(
            "/usr/bin/python3",
            ["-c", Self.script, folder.path, algorithm.rawValue]
        ).exit()
        try #require(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
        var compressedByUs = 0
        for (number, payload) in payloads.enumerated() {
            let theirs = [UInt8](try Data(contentsOf: folder.appending(path: "\(number).plain.theirs")))
            let plain = try CompressionTests.decompress(theirs, algorithm)
            #expect(plain == payload, "payload \(number)")
            if let ours = try? Data(contentsOf: folder.appending(path: "\(number).ours.plain")) {
                compressedByUs += 1
                #expect([UInt8](ours) == payload, "payload \(number)")
            }
        }
        #expect(compressedByUs > 15)
    }
}
