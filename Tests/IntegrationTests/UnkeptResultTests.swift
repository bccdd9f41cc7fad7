internal import Operations
internal import Testing

@Suite("A result that cannot be kept", .timeLimit(.minutes(3)))
struct UnkeptResultTests {
    @Test func `a result that cannot be kept is printed all the same, and the failure after it`() async throws {
        try await Installation.with { installation in
            try await installation.serving { _ in
                try await installation.pair()
                // Makes the history, which then takes nothing more: as on a full disk, but only there.
                #expect(try await installation.paramedic("history").code == 0)
                let script = """
                    import glob, sqlite3, sys
                    for path in glob.glob(sys.argv[1] + "/*"):
                        if open(path, "rb").read(6) != b"SQLite": continue
                        base = sqlite3.connect(path)
                        base.execute("CREATE TRIGGER full BEFORE INSERT ON examination BEGIN SELECT RAISE(FAIL, 'disk full'); END")
                        base.commit()
                    """
                let exit = try await ChildProcess.start("python3", ["-c", script, installation.folder + "/p"]).exit()
                #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
                let result = try await installation.paramedic("run", "--duration", "1", "--streams", "1")
                #expect(result.code == 1)
                #expect(result.output.contains("Latency without load"), "\(result.errors)")
                #expect(result.errors.contains("could not be kept in the history"), "\(result.errors)")
                let json = try await installation.paramedic("run", "--duration", "1", "--streams", "1", "--json")
                #expect(json.code == 1)
                #expect(try json.json()["latency"] != nil)
            }
        }
    }
}
