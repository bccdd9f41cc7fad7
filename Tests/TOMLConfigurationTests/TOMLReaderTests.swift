internal import Foundation
internal import TOMLConfiguration
internal import TemporaryFolders
internal import Testing

enum SampleMode: String, CaseIterable { case tunneled, direct = "direct_ephemeral" }

/// What a tool would read.
struct SampleConfiguration: Equatable {
    var listen = ""
    var mode = SampleMode.tunneled
    var port: UInt16 = 0
    var peers: [String] = []
    var isOpen = false
    var ttl = 0

    init(_ text: String, override: ConfigurationOverride? = nil) throws {
        var reader = TOMLReader(try TOMLDocument(parsing: Array(text.utf8), path: "/etc/x.toml"))
        listen = reader.string("network", "listen_address", default: "0.0.0.0:4000")
        mode = reader.enumeration("network", "mode", default: .tunneled)
        port = reader.integer("network", "data_port", in: 1024...65_535, default: 5201, override: override)
        peers = reader.stringList("access", "authorized_peers", default: [])
        isOpen = reader.bool("access", "pairing_enabled", default: false)
        ttl = reader.integer("limits.pairing", "ttl", in: 1...86_400, default: 600)
        try reader.finish()
    }

    static func problems(_ text: String) -> [String] {
        do {
            _ = try SampleConfiguration(text)
            return []
        } catch { return "\(error)".split(separator: "\n").map(String.init) }
    }
}

@Suite struct TOMLReaderTests {
    @Test func `an empty file has every default`() throws {
        let configuration = try SampleConfiguration("")
        #expect(configuration.listen == "0.0.0.0:4000")
        #expect(configuration.port == 5201)
        #expect(configuration.ttl == 600)
    }

    @Test func `every type is read`() throws {
        let configuration = try SampleConfiguration(
            """
            [network] # comment = "not a key"
            listen_address = "[::]:4000"
            "mode" = 'direct_ephemeral'
            data_port = 0x1F90
            [access]
            authorized_peers = [
              "PP-A", # , "PP-C"
              "PP-B",
            ]
            pairing_enabled = true
            [limits.pairing]
            ttl = 3600
            """
        )
        #expect(configuration.listen == "[::]:4000")
        #expect(configuration.mode == .direct)
        #expect(configuration.port == 8080)
        #expect(configuration.peers == ["PP-A", "PP-B"])
        #expect(configuration.isOpen)
        #expect(configuration.ttl == 3600)
    }

    @Test func `a wrong type names file, line, key, value, what is expected and an example`() {
        #expect(
            SampleConfiguration.problems("\n[network]\n\ndata_port = \"5201\"\n") == [
                "/etc/x.toml:4: network.data_port: found \"5201\" (a string), expected an integer from 1024 to 65535; "
                    + "write for example data_port = 5201"
            ]
        )
    }

    @Test func `several problems come at once, in the order of the file`() {
        let problems = SampleConfiguration.problems(
            """
            [access]
            pairing_enabled = "yes"
            authorized_peers = ["a", 1]
            [network]
            mode = "open"
            data_port = 70000
            listen_addres = "x"
            [netwrk]
            [limits.pairing]
            ttl = "10"
            """
        )
        #expect(problems.count == 7)
        #expect(problems.map { $0.split(separator: ":")[1] } == ["2", "3", "5", "6", "7", "8", "10"])
        #expect(problems[2].contains(#"one of "tunneled", "direct_ephemeral""#))
        #expect(problems[3].contains("found 70000 (an integer)"))
        #expect(problems[4].contains("did you mean listen_address?"))
        #expect(problems[5].contains("did you mean [network]?"))
        #expect(problems[6].contains("an integer from 1 to 86400"))
    }

    @Test func `a key in the wrong section is sent to the right one`() {
        #expect(SampleConfiguration.problems("[access]\ndata_port = 1\n")[0].contains("belongs in [network]"))
        #expect(SampleConfiguration.problems("mode = 1\n")[0].contains("belongs in [network]"))
        #expect(
            SampleConfiguration.problems("[zzzzzzzzzz]\n")[0].contains(
                "the sections are [access], [limits.pairing], [network]"
            )
        )
        #expect(SampleConfiguration.problems("network = 3\n")[0].contains("expected a section"))
        #expect(SampleConfiguration.problems("[[network]]\nmode = \"tunneled\"\n")[0].contains("expected a section"))
        #expect(SampleConfiguration.problems("[limits]\nttl = 3\n")[0].contains("belongs in [limits.pairing]"))
    }

    @Test func `errors of syntax carry line and column`() {
        for (text, place) in [
            ("a = = 1\n", ":1:"), ("[network]\nmode = \"x\n", ":2:"), ("[a]\n[a]\n", ":2:"), ("x = 1\nx = 2\n", ":2:"),
        ] {
            let problems = SampleConfiguration.problems(text)
            #expect(problems.count == 1 && problems[0].hasPrefix("/etc/x.toml" + place), "\(problems)")
            #expect(problems[0].split(separator: ":").count >= 4, "\(problems)")
        }
    }

    @Test func `zero bytes, bytes that are not UTF-8 and the character U+0000 are refused with their place`() {
        func problem(_ bytes: [UInt8]) -> String {
            do {
                _ = try TOMLDocument(parsing: bytes, path: "x.toml")
                return ""
            } catch { return "\(error)" }
        }
        #expect(problem(Array("a = 1\nb\0 = 2\n".utf8)).hasPrefix("x.toml:2:2: "))
        #expect(problem(Array("a = 1\nb = \"é".utf8) + [0xff, 0x22]).hasPrefix("x.toml:2:8: "))
        #expect(problem(Array(#"a = "x\u0000y""#.utf8)).hasPrefix("x.toml:1:7: "))
        #expect(problem(Array(##""a\U00000000b" = 1"##.utf8)).hasPrefix("x.toml:1:3: "))
        #expect(problem(Array(#"a = 'x\u0000y'"#.utf8)).isEmpty)
    }

    @Test func `a flag or variable wins over the file and is checked alike`() throws {
        let file = "[network]\ndata_port = 6000\n"
        let flag = ConfigurationOverride.strongest(
            flag: ("--data-port", "7000"),
            environment: ("X_PORT", ["X_PORT": "8000"])
        )
        #expect(try SampleConfiguration(file, override: flag).port == 7000)
        let variable = ConfigurationOverride.strongest(
            flag: ("--data-port", nil),
            environment: ("X_PORT", ["X_PORT": "80"])
        )
        #expect { try SampleConfiguration(file, override: variable) } throws: {
            "\($0)".hasPrefix(
                "environment variable X_PORT: network.data_port: found \"80\", expected an integer from 1024"
            )
        }
        let none = ConfigurationOverride.strongest(flag: ("--data-port", nil), environment: ("X_PORT", ["X_PORT": ""]))
        #expect(none == nil)
    }

    @Test func `what a value says cannot disturb the terminal`() {
        let problems = SampleConfiguration.problems("[network]\nmode = \"\\u001b[31m\\n\"\n\"\\u001b[2J\" = 1\n")
        #expect(problems.count == 2)
        #expect(!problems.joined().unicodeScalars.contains { $0.value < 32 })
    }

    @Test func `a file is loaded, and a missing or too long one says so`() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("x.toml")
        try write(Array("[network]\nmode = \"tunneled\"\n".utf8), to: path)
        _ = try TOMLDocument.load(path: path)
        try write([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20), to: path)
        _ = try TOMLDocument.load(path: path)
        try write([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20 + 1), to: path)
        #expect(throws: ConfigurationError.self) { try TOMLDocument.load(path: path) }
        #expect { try TOMLDocument.load(path: folder.file("none")) } throws: { "\($0)".contains(folder.file("none")) }
    }

    @Test func `the origin of a value is known`() throws {
        var reader = TOMLReader(try TOMLDocument(parsing: Array("[a]\nb = 1\n".utf8), path: "x.toml"))
        _ = reader.integer("a", "b", in: 0...9, default: 3)
        _ = reader.integer("a", "c", in: 0...9, default: 3)
        #expect(reader.sources == ["a.b": .file("x.toml"), "a.c": .builtIn])
        #expect(reader.isSet("a", "b") && !reader.isSet("a", "c"))
        reader.note("a", "b", "contradicts a.c", remedy: "change one of them")
        #expect { try reader.finish() } throws: { "\($0)" == "x.toml:2: a.b: contradicts a.c; change one of them" }
    }

    @Test func `what the parser does not survive is refused before it`() {
        for text in ["[=]", "[", "[[", "[.a]", "[ # x", "[\n]", "[é]", "[[ = ]]"] {
            #expect(SampleConfiguration.problems(text).count == 1, "\(text)")
        }
        let deep = String(repeating: "[", count: 500_000)
        #expect(SampleConfiguration.problems("a = \(deep)")[0].contains("nested"))
        #expect(SampleConfiguration.problems("a = " + String(repeating: "{a = ", count: 100_000))[0].contains("nested"))
        #expect(SampleConfiguration.problems(String(repeating: "a.", count: 400_000) + "a = 1")[0].contains("parts"))
    }

    @Test func `random edits of a file never trap`() {
        let good = Array(
            "[network]\nmode = \"t\" # c\n[access]\nauthorized_peers = ['''a''', \"\"\"b\"\"\"]\nx.y = {a = 1, \"b\" = [2]}\n"
                .utf8
        )
        let bits = Array("\"'[]{}=#.,\n\\u0 ".utf8) + [0, 0xff]
        for _ in 0..<5000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4) {
                let index = Int.random(in: bytes.indices)
                switch Int.random(in: 0...2) {
                case 0: bytes[index] = bits.randomElement() ?? 0
                case 1: bytes.remove(at: index)
                default: bytes.insert(bits.randomElement() ?? 0, at: index)
                }
            }
            guard let document = try? TOMLDocument(parsing: bytes, path: "x") else { continue }
            var reader = TOMLReader(document)
            _ = reader.string("network", "mode", default: "")
            try? reader.finish()
        }
    }
}
