internal import Foundation
internal import Testing

/// iperf3s that say another version than they are, in front of the one that is installed.
@Suite("Versions of iperf3", .timeLimit(.minutes(3)))
struct IperfVersionTests {
    /// A program that says it is `version`, notes how it is started, and is the installed iperf3 for the rest.
    private static func program(_ version: String, in folder: String) throws -> String {
        let path = "\(folder)/iperf3-\(version)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let script = """
            #!/bin/bash
            if [ "$1" = --version ]; then echo "iperf \(version) (cJSON 1.7.15)"; exit; fi
            echo "$@" >> "\(path).started"
            options=()
            for option; do [ "$option" = --use-pkcs1-padding ] || options+=("$option"); done
            exec iperf3 "${options[@]}"
            """
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return path
    }

    /// What a test of the client's iperf3 with the reflector's gives, and how each of the two was started.
    private static func run(
        client: String,
        reflector: String,
        _ check: (_ result: Tool.Result, _ ours: String, _ theirs: String) throws -> Void
    ) async throws {
        let folder = NSTemporaryDirectory() + "iperf-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let theirs = try program(reflector, in: folder)
        let ours = try program(client, in: folder)
        try await Installation.with(["REFLECTOR_IPERF3_PATH": theirs]) { installation in
            try await installation.serving { _ in
                try await installation.pair()
                let result = try await installation.paramedic(
                    "throughput",
                    "--duration",
                    "1",
                    "--engine",
                    "iperf3",
                    "--iperf3",
                    ours,
                    "--json"
                )
                try check(result, ours + ".started", theirs + ".started")
            }
        }
    }

    @Test(
        arguments: [("3.12", true), ("3.17.1", false)]
    )
    func `a reflector's newer iperf3 takes the old login from older clients, and only from these`(
        client: String,
        isOld: Bool
    ) async throws {
        try await Self.run(client: client, reflector: "3.21") { result, ours, theirs in
            #expect(result.code == 0, "\(result.errors)")
            let started = try String(contentsOfFile: theirs, encoding: .utf8)
            #expect(started.contains("--use-pkcs1-padding") == isOld, "\(started)")
            let asked = try String(contentsOfFile: ours, encoding: .utf8)
            #expect(!asked.contains("--use-pkcs1-padding"))
        }
    }

    @Test func `a newer iperf3 that an older reflector's cannot read is denied, with what to do`() async throws {
        try await Self.run(client: "3.17", reflector: "3.16") { result, _, _ in
            #expect(result.code == 4)
            #expect(
                result.errors.contains("iperf3 3.17 cannot log in to the reflector's iperf3 3.16"),
                "\(result.errors)"
            )
            #expect(result.errors.contains("engine native"))
        }
    }
}
