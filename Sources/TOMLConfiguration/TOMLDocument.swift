internal import Files
internal import StrictJSON
internal import TOMLKit

/// A configuration file that was read and is valid TOML. `TOMLReader` takes the values out.
package struct TOMLDocument: Sendable {
    /// Longest configuration file, bytes.
    package static let maximumLength = 1 << 20

    /// For errors.
    package let path: String
    let root: [String: TOMLNode]
    let positions: TOMLPositions

    /// A document without values: every key has its default.
    package static let empty = TOMLDocument(path: "", root: [:], positions: TOMLPositions(scanning: []))

    private init(path: String, root: [String: TOMLNode], positions: TOMLPositions) {
        self.path = path
        self.root = root
        self.positions = positions
    }

    /// Reads the file. Symbolic links are followed: `/etc` is full of them.
    package static func load(path: String) throws(ConfigurationError) -> TOMLDocument {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try StateFiles.read(path, limit: maximumLength, followsLinks: true)
        } catch {
            throw ConfigurationError(problems: [
                ConfigurationProblem(origin: path, problem: error.problem, remedy: error.remedy)
            ])
        }
        return try TOMLDocument(parsing: bytes, path: path)
    }

    package init(parsing bytes: [UInt8], path: String) throws(ConfigurationError) {
        func problem(_ line: Int, _ column: Int, _ text: String, _ remedy: String = "") -> ConfigurationError {
            ConfigurationError(problems: [
                ConfigurationProblem(origin: path, line: line, column: column, problem: text, remedy: remedy)
            ])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let (line, column) = TOMLDocument.firstInvalid(bytes)
            throw problem(line, column, "invalid UTF-8", "save the file as UTF-8")
        }
        // The parser takes a C string and would silently stop there.
        if let zero = bytes.firstIndex(of: 0) {
            let (line, column) = TOMLDocument.place(of: zero, in: bytes)
            throw problem(line, column, "invalid zero byte", "remove it")
        }
        positions = TOMLPositions(scanning: bytes)
        if let hazard = positions.hazard {
            throw problem(hazard.position.line, hazard.position.column, hazard.problem, hazard.remedy)
        }
        let table: TOMLTable
        do {
            table = try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let what = error.description.split(separator: "\n").first ?? "invalid TOML"
            throw problem(error.source.begin.line, error.source.begin.column, TOMLDocument.plain(String(what)))
        } catch { throw problem(1, 1, "invalid TOML") }
        guard case .table(let root) = TOMLNode(table) else { throw problem(1, 1, "invalid TOML") }
        self.root = root
        self.path = path
    }

    /// The parser's message, which may quote the file.
    private static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.isHazardousInText ? "?" : $0 }))
    }

    static func place(of index: Int, in bytes: [UInt8]) -> (line: Int, column: Int) {
        let before = bytes[..<index]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return (before.count { $0 == UInt8(ascii: "\n") } + 1, index - lineStart + 1)
    }

    /// The line of the first byte that is not UTF-8; its column is one more than the number of valid bytes.
    private static func firstInvalid(_ bytes: [UInt8]) -> (line: Int, column: Int) {
        var start = 0
        var line = 1
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            if String(validating: bytes[start..<end], as: UTF8.self) == nil {
                var length = end - start - 1
                while length > 0, String(validating: bytes[start..<start + length], as: UTF8.self) == nil {
                    length -= 1
                }
                return (line, length + 1)
            }
            start = end + 1
            line += 1
        }
        return (line, 1)
    }

    /// The value at a path of tables.
    func node(at path: [String]) -> TOMLNode? {
        var node = TOMLNode.table(root)
        for name in path {
            guard case .table(let members) = node, let member = members[name] else { return nil }
            node = member
        }
        return node
    }
}
