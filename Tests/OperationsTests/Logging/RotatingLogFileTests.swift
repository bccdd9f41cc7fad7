internal import Files
internal import Foundation
internal import Glibc
internal import Logging
internal import Operations
internal import TemporaryFolders
internal import Testing

@Suite("Log files that rotate")
struct RotatingLogFileTests {
    let folder: TemporaryFolder
    let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("tool.log")
    }

    private func file(_ maximumLength: Int64 = 1000, kept: Int = 3) throws -> RotatingLogFile {
        try RotatingLogFile(
            path: path,
            maximumLength: maximumLength,
            keptFiles: kept,
            now: { Timestamp(microseconds: 1) }
        )
    }

    private func text(_ suffix: String = "") throws -> String {
        String(decoding: try bytes(path + suffix), as: UTF8.self)
    }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test func `the file is made with mode 0600, whatever the umask, and appended to by the next start`() throws {
        try file().write(Array("one\n".utf8))
        try file().write(Array("two\n".utf8))
        #expect(try text() == "one\ntwo\n")
        #expect(try mode(path) == 0o600)
    }

    @Test func `a line that just fits stays; one byte more begins a new file`() throws {
        let file = try file(10)
        file.write(Array("12345\n".utf8))
        file.write(Array("123\n".utf8))
        #expect(try names() == ["tool.log"])
        file.write(Array("\n".utf8))
        #expect(try text() == "\n" && text(".1") == "12345\n123\n")
        file.write(Array("a line of its own, longer than a file\n".utf8))
        file.write(Array("x\n".utf8))
        #expect(try text() == "x\n" && text(".1") == "a line of its own, longer than a file\n" && text(".2") == "\n")
        #expect(file.droppedLines == 0)
    }

    @Test func `the content that a start finds counts toward the length`() throws {
        try file(10).write(Array("12345\n".utf8))
        try file(10).write(Array("12345\n".utf8))
        #expect(try names() == ["tool.log", "tool.log.1"])
    }

    @Test(arguments: [0, 1, 3])
    func `as many old files as configured are kept, the newest, in order`(_ count: Int) throws {
        let file = try file(2, kept: count)
        for letter in "abcdefg" { file.write(Array("\(letter)\n".utf8)) }
        #expect(try names() == ["tool.log"] + (0..<count).map { "tool.log.\($0 + 1)" })
        #expect(try text() == "g\n")
        for (number, letter) in "fed".prefix(count).enumerated() {
            #expect(try text(".\(number + 1)") == "\(letter)\n")
        }
    }

    @Test func `a start that keeps fewer removes the rest with its first rotation, and one that finds a gap closes it`()
        throws
    {
        let many = try file(2, kept: 5)
        for letter in "abcdef" { many.write(Array("\(letter)\n".utf8)) }
        try FileManager.default.removeItem(atPath: path + ".2")
        many.write(Array("g\n".utf8))
        #expect(try text(".1") == "f\n" && text(".2") == "e\n" && text(".3") == "c\n" && text(".5") == "a\n")
        try file(2, kept: 2).write(Array("h\n".utf8))
        #expect(try names() == ["tool.log", "tool.log.1", "tool.log.2"])
        #expect(try text(".1") == "g\n" && text(".2") == "f\n")
    }

    @Test
    func
        `a file that logrotate renames, removes, replaces or cuts is left alone, and the next line goes into what has the name`()
        throws
    {
        let file = try file()
        file.write(Array("one\n".utf8))
        try FileManager.default.moveItem(atPath: path, toPath: path + "-old")
        file.write(Array("two\n".utf8))
        #expect(try text() == "two\n" && text("-old") == "one\n")
        #expect(try mode(path) == 0o600)
        try FileManager.default.removeItem(atPath: path)
        file.write(Array("three\n".utf8))
        #expect(try text() == "three\n")
        try write(Array("made by another\n".utf8), to: folder.file("new"))
        rename(folder.file("new"), path)
        file.write(Array("four\n".utf8))
        #expect(try text() == "made by another\nfour\n")
        truncate(path, 0)
        file.write(Array("five\n".utf8))
        #expect(try text() == "five\n" && file.droppedLines == 0)
    }

    @Test func `a line that was not ended, as after a loss of power, is ended before the next`() throws {
        try write(Array("whole\nhal".utf8), to: path)
        let file = try file()
        file.write(Array("next\n".utf8))
        file.write(Array("last\n".utf8))
        #expect(try text() == "whole\nhal\nnext\nlast\n")
    }

    @Test func `lines of many tasks are all there, each whole, over many rotations`() async throws {
        let file = try file(4096, kept: 1000)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<500 {
                        let fill = String(repeating: "x", count: number % 60)
                        file.write(Array("task \(task) line \(number) \(fill).\n".utf8))
                    }
                }
            }
        }
        var lines: [String] = []
        for name in try names() {
            let content = try bytes(folder.file(name))
            #expect(content.count <= 4096 && content.last == UInt8(ascii: "\n"))
            lines += String(decoding: content, as: UTF8.self).split(separator: "\n").map(String.init)
        }
        let expected = (0..<8).flatMap { task in
            (0..<500).map { "task \(task) line \($0) " + String(repeating: "x", count: $0 % 60) + "." }
        }
        // Without the thousands of lines in a failure's message.
        let areAllThere = lines.sorted() == expected.sorted()
        #expect(areAllThere, "\(lines.count) of \(expected.count) lines")
        #expect(try names().count > 30 && file.droppedLines == 0)
    }

    @Test
    func `links, folders, FIFOs, a missing folder and senseless limits are refused at the start, with what to do`()
        throws
    {
        func refusal(_ path: String, _ length: Int64 = 1000, _ kept: Int = 1) -> String? {
            do throws(FileError) {
                _ = try RotatingLogFile(path: path, maximumLength: length, keptFiles: kept)
                return nil
            } catch { return error.description }
        }
        try write([], to: folder.file("target"))
        symlink(folder.file("target"), folder.file("link"))
        mkfifo(folder.file("fifo"), 0o600)
        #expect(refusal(folder.file("link"))?.contains("symbolic link") == true)
        #expect(refusal(folder.file("fifo")) != nil)
        #expect(refusal(folder.path)?.contains("folder") == true)
        #expect(refusal(folder.file("none/tool.log"))?.contains("create its folder") == true)
        #expect(refusal(path, 0) == "\(path): invalid maximum length 0; must be at least 1 byte")
        #expect(refusal(path, 1, -1) == "\(path): invalid number of kept files -1; must be at least 0")
    }

    @Test func `when a file cannot be renamed, lines are dropped rather than the file grown, until it can`() throws {
        let file = try file(10, kept: 1)
        file.write(Array("123456789\n".utf8))
        // A folder that is not empty has the old file's name.
        try FileManager.default.createDirectory(atPath: path + ".1/inside", withIntermediateDirectories: true)
        file.write(Array("lost\n".utf8))
        file.write(Array("lost\n".utf8))
        #expect(try text() == "123456789\n" && file.droppedLines == 2)
        try FileManager.default.removeItem(atPath: path + ".1")
        file.write(Array("here\n".utf8))
        #expect(
            try text()
                == "1970-01-01T00:00:00.000001Z warn log: log lines were dropped log.dropped=2 log.reason=\"Is a directory\"\nhere\n"
        )
        #expect(try text(".1") == "123456789\n")
    }
}
