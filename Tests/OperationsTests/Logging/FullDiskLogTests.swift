internal import Foundation
internal import Glibc
internal import Logging
internal import Operations
internal import StrictJSON
internal import TemporaryFolders
internal import Testing

/// A file system of 64 KiB that only this process sees, and that goes with it. Needs root, as network namespaces do.
private final class SmallDisk {
    private let descriptor: Int32

    init() throws {
        let folder = try TemporaryFolder()
        let result = mount("tmpfs", folder.path, "tmpfs", 0, "size=64k,mode=0700")
        try #require(result == 0, "mount: \(String(cString: strerror(errno)))")
        descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // It lives on as long as it is open, and leaves no mount behind however the tests end.
        umount2(folder.path, Int32(MNT_DETACH))
        try #require(descriptor >= 0)
    }

    deinit { close(descriptor) }

    func file(_ name: String) -> String { "/proc/self/fd/\(descriptor)/\(name)" }
}

@Suite("Log files on a full disk")
struct FullDiskLogTests {
    @Test(
        arguments: [false, true]
    )
    func `lines are dropped, none is split, and the log says how many are missing once there is room`(_ isJSON: Bool)
        throws
    {
        let disk = try SmallDisk()
        let path = disk.file("tool.log")
        let file = try RotatingLogFile(
            path: path,
            maximumLength: 1 << 20,
            keptFiles: 2,
            format: isJSON ? .json : .text,
            now: { Timestamp(microseconds: 1) }
        )
        var logger = Logger(label: "tool") { FileLog(label: $0, level: .info, file: file) }
        logger[metadataKey: "fill"] = .string(String(repeating: "x", count: 1000))
        try write([UInt8](repeating: 0, count: 20_000), to: disk.file("other"))
        for number in 0..<100 { logger.info("line", metadata: ["number": "\(number)"]) }
        let before = String(decoding: try bytes(path), as: UTF8.self)
        #expect(before.hasSuffix("\n"))
        let written = before.split(separator: "\n").count
        #expect(written > 20 && written < 60 && file.droppedLines == UInt64(100 - written))

        try FileManager.default.removeItem(atPath: disk.file("other"))
        logger.info("room again")
        logger.info("and on")
        let lines = String(decoding: try bytes(path), as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.count == written + 3 && lines[..<written] == before.split(separator: "\n").map(String.init)[...])
        #expect(
            lines[written]
                == (isJSON
                    ? #"{"time":"1970-01-01T00:00:00.000001Z","level":"warn","label":"log","message":"log lines were dropped","#
                        + #""metadata":{"log.dropped":"\#(100 - written)","log.reason":"No space left on device"}}"#
                    : "1970-01-01T00:00:00.000001Z warn log: log lines were dropped log.dropped=\(100 - written) "
                        + "log.reason=\"No space left on device\"")
        )
        #expect(lines[written + 1].contains("room again") && lines[written + 2].contains("and on"))
        if isJSON { for line in lines { #expect(throws: Never.self) { try JSONParser.parse(Array(line.utf8)[...]) } } }
    }

    @Test func `rotation gives a full disk room by letting go of the oldest file`() throws {
        let disk = try SmallDisk()
        let path = disk.file("tool.log")
        let file = try RotatingLogFile(path: path, maximumLength: 16_384, keptFiles: 2)
        for number in 0..<500 { file.write(Array("line \(number) \(String(repeating: "y", count: 500))\n".utf8)) }
        #expect(file.droppedLines == 0)
        let last = String(decoding: try bytes(path), as: UTF8.self).split(separator: "\n").last
        #expect(last?.hasPrefix("line 499 ") == true)
    }
}
