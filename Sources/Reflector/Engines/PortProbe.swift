internal import FoundationEssentials
internal import Operations
internal import PacketIO

/// Examines TCP ports of this machine without connecting to them.
enum PortProbe {
    /// How long a child may take to listen on a busy machine, and the interval of checks meanwhile.
    private static let patience = Duration.seconds(10)
    private static let step = Duration.milliseconds(5)

    /// How many ports that the system chooses for TCP may be taken for UDP.
    private static let choices = 16

    /// A port of this address that is unused for both TCP and UDP; nil if none was found.
    static func free(on host: InternetHost) -> Int? {
        for _ in 0..<choices {
            if let port = try? Socket.freePort(on: host, ports: 0...0) { return Int(port) }
        }
        return nil
    }

    /// Waits until `process` listens on `port` of 127.0.0.1; false if the process ends or time runs out first. Another
    /// process's socket with that number, on whatever address, does not count: the peer's test would go there.
    ///
    /// Reads the kernel's tables, because connecting would use up a server for one client.
    static func listens(port: Int, process: ChildProcess) async -> Bool {
        let deadline = ContinuousClock.now + patience
        while process.isRunning, ContinuousClock.now < deadline {
            if isListening(port: port, pid: process.pid) { return true }
            do { try await Task.sleep(for: step) } catch { return false }
        }
        return false
    }

    static func isListening(port: Int, pid: Int32) -> Bool {
        let own = sockets(of: pid)
        guard !own.isEmpty, let table = try? String(contentsOfFile: "/proc/net/tcp", encoding: .utf8) else {
            return false
        }
        // Fields: slot, local address:port in hex, remote, state (0A = LISTEN), queues, timer, retransmits, user,
        // timeout, inode.
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[3] == "0A" else { continue }
            let local = fields[1].split(separator: ":")
            guard local.count == 2, local[0] == loopback, Int(local[1], radix: 16) == port else { continue }
            if own.contains("socket:[\(fields[9])]") { return true }
        }
        return false
    }

    /// 127.0.0.1 in the format of the kernel's table: the bytes in memory as a number of this machine.
    private static let loopback = {
        let number = String(UInt32(bigEndian: 0x7f00_0001), radix: 16, uppercase: true)
        return String(repeating: "0", count: 8 - number.count) + number
    }()

    /// The link targets of a process's descriptors that are sockets.
    private static func sockets(of pid: Int32) -> Set<String> {
        let folder = "/proc/\(pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let targets = names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
        return Set(targets.filter { $0.hasPrefix("socket:") })
    }
}
