internal import Crypto
internal import Files
internal import FoundationEssentials
internal import Glibc
internal import Identity
internal import IdentityCertificates
internal import LinkMeasurement
internal import Operations
internal import PacketIO
internal import _CryptoExtras

/// iperf3 for one test, on a loopback port that only the holder of fresh credentials may use.
struct IperfServer: Sendable {
    let process: ChildProcess
    let port: Int
    let credentials: IperfCredentials
    private let folder: String

    enum Failure: Error, CustomStringConvertible {
        case missing(String)
        case didNotListen(String)

        var description: String {
            switch self {
            case .missing(let path):
                "iperf3 (\(path)) is not installed on the reflector; use engine native, or install it there"
            case .didNotListen(let reason):
                "iperf3 did not start on the reflector: \(reason)"
            }
        }
    }

    /// Another process may take the chosen port before iperf3 does: how often it is started.
    private static let attempts = 3

    /// Starts `iperf3 -s --one-off` and returns when it listens.
    static func start(executable: String, options: [String] = [], stateFolder: String) async throws -> IperfServer {
        let folder = stateFolder + "/iperf3-" + AccessToken.random().hex
        guard unsafe mkdir(folder, 0o700) == 0 else {
            throw Failure.didNotListen("cannot create \(folder)")
        }
        do {
            let credentials = try await makeCredentials(in: folder)
            var attempt = 0
            while true {
                attempt += 1
                let (process, port) = try await launch(executable, options, folder)
                if await PortProbe.listens(port: port, process: process) {
                    return IperfServer(process: process, port: port, credentials: credentials, folder: folder)
                }
                let hasEnded = !process.isRunning
                let reason = Self.reason(of: await process.terminate())
                guard hasEnded, attempt < attempts else { throw Failure.didNotListen(reason) }
            }
        } catch {
            Self.remove(folder)
            throw error
        }
    }

    /// A starting iperf3, and its port.
    private static func launch(_ executable: String, _ options: [String], _ folder: String) async throws -> (
        ChildProcess, port: Int
    ) {
        guard let port = PortProbe.free(on: .loopbackIPv4) else { throw Failure.didNotListen("no port was free") }
        let arguments =
            [
                "-s", "--one-off", "-J", "-p", "\(port)", "-B", "127.0.0.1",
                // Other users of this machine can connect to loopback, too.
                "--rsa-private-key-path", folder + "/key.pem",
                "--authorized-users-path", folder + "/users.csv",
                // The key lives as long as the test; iperf3 must not refuse it because clocks differ.
                "--time-skew-threshold", "2000000000",
            ] + options
        do {
            return (try await ChildProcess.start(executable, arguments), port)
        } catch let error as ChildProcessError where error.isMissing {
            throw Failure.missing(executable)
        }
    }

    /// Why it did not listen, in its own words if it has any.
    private static func reason(of exit: ChildExit) -> String {
        let words = String(decoding: exit.errorOutput, as: UTF8.self).printable(limit: 200)
        if !words.isEmpty { return words }
        do {
            _ = try IPerf3Output.result(exit.output, printedBy: .server, mode: .tunneled)
        } catch .reported(let message) {
            return message
        } catch {
            // It prints an empty document if it is ended before it listens.
        }
        return "it did not listen in time; the machine may be busy"
    }

    /// Ends the process and removes its key.
    func stop() async -> ChildExit {
        let exit = await process.terminate()
        Self.remove(folder)
        return exit
    }

    /// One RSA key and one user for this test alone.
    private static func makeCredentials(in folder: String) async throws -> IperfCredentials {
        let key = try _RSA.Encryption.PrivateKey(keySize: .bits2048)
        let username = "test-" + AccessToken.random().hex.prefix(8)
        let password = AccessToken.random().hex
        // iperf3's file: user, SHA-256 of "{user}password".
        let digest = SHA256.hash(data: Array("{\(username)}\(password)".utf8)).hexadecimal
        try StateFiles.createPrivate(folder + "/key.pem", content: Array(key.pemRepresentation.utf8))
        try StateFiles.createPrivate(folder + "/users.csv", content: Array("\(username),\(digest)\n".utf8))
        return IperfCredentials(
            username: username,
            password: password,
            publicKey: key.publicKey.pemRepresentation
        )
    }

    private static func remove(_ folder: String) {
        // A link in the folder's place is not followed: its files would not be ours.
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        for name in ["key.pem", "users.csv"] { _ = unsafe unlinkat(descriptor, name, 0) }
        close(descriptor)
        _ = unsafe rmdir(folder)
    }

    /// Removes keys that a killed server left.
    static func removeLeftovers(in stateFolder: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: stateFolder)) ?? []
        for name in names where name.hasPrefix("iperf3-") { remove(stateFolder + "/" + name) }
    }
}
