internal import FoundationEssentials
internal import Operations
internal import PacketIO

/// Finds out about TCP ports of this machine without connecting to anybody.
enum PortProbe {
    /// How long a child may take to listen, on a machine that is busy with others, and how often that is looked at meanwhile.
    private static let patience = Duration.seconds(10)
    private static let step = Duration.milliseconds(5)

    /// How many ports the system may choose for TCP that are taken for UDP.
    private static let choices = 16

    /// A port of this address that nothing uses, neither with TCP nor with UDP; nil when none was found.
    static func free(on host: InternetHost) -> Int? {
        for _ in 0..<choices {
            if let port = try? Socket.freePort(on: host, ports: 0...0) { return Int(port) }
        }
        return nil
    }

    /// Waits until some socket of this machine listens on `port`; false when the process ends or time runs out first.
    ///
    /// Reads the kernel's table: connecting to find out would use up a server that serves one client.
    static func listens(port: Int, process: ChildProcess) async -> Bool {
        let deadline = ContinuousClock.now + patience
        while process.isRunning, ContinuousClock.now < deadline {
            if isListening(port: port) { return true }
            do { try await Task.sleep(for: step) } catch { return false }
        }
        return false
    }

    static func isListening(port: Int) -> Bool {
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let content = try? String(contentsOfFile: table, encoding: .utf8) else { continue }
            // Fields: slot, local address:port in hex, remote, state (0A = LISTEN).
            for line in content.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: true)
                guard fields.count > 3, fields[3] == "0A", let text = fields[1].split(separator: ":").last else {
                    continue
                }
                if Int(text, radix: 16) == port { return true }
            }
        }
        return false
    }
}
