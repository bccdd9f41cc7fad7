internal import Glibc
internal import LinkMeasurement
internal import PacketIO
internal import Synchronization
internal import SystemErrors

/// The relay's two loops and the state that its threads and its owner share.
final class DatagramRelayCore: Sendable {
    /// Datagrams in one system call. Few enough that a burst fits the default buffer of a Linux socket, which iperf3
    /// uses: 32 of 1500 bytes take 72 of its 208 KiB.
    static let batchSize = 32
    /// What may wait while a thread is not scheduled; the kernel allows up to `net.core.rmem_max`.
    static let bufferBytes: Int32 = 4 << 20

    private final class Connection: Sendable {
        let socket: SocketDescriptor

        init(_ socket: consuming SocketDescriptor) {
            self.socket = socket
        }
    }

    let counters = Mutex(RelayCounters())
    private let descriptor: Int32
    private let socket: Mutex<SocketDescriptor?>
    private let service: InternetAddress
    private let permit: RelayPermit
    private let count: DatagramRelay.Count
    private let refuse: DatagramRelay.Refuse
    private let flows: Mutex<RelayFlows<Connection>>
    private let isStopping = Atomic(false)
    /// Tells the downward thread that there is another flow, or that the relay ends.
    private let wakeUp: WakeUp

    init(
        _ socket: consuming SocketDescriptor,
        _ service: InternetAddress,
        _ permit: RelayPermit,
        _ count: @escaping DatagramRelay.Count,
        _ refuse: @escaping DatagramRelay.Refuse
    ) throws(SystemError) {
        descriptor = socket.raw
        self.socket = Mutex(socket)
        self.service = service
        self.permit = permit
        self.count = count
        self.refuse = refuse
        flows = Mutex(RelayFlows(permit))
        wakeUp = try WakeUp()
    }

    /// From any thread, including the relay's own.
    func stop() {
        isStopping.store(true, ordering: .releasing)
        // An unconnected socket returns ENOTCONN, and its sleeping reader wakes all the same.
        _ = SystemCall.shutDown(descriptor, Int32(SHUT_RDWR))
        wakeUp.signal()
    }

    /// Closes the port; the threads must have ended.
    func close() {
        socket.withLock { $0 = nil }
    }

    private var stops: Bool { isStopping.load(ordering: .acquiring) }

    // MARK: From the peer to the service

    func runUp() {
        guard var batch = try? DatagramBatch(capacity: Self.batchSize, datagramBytes: UDPLength.longestPayload) else {
            return stop()
        }
        var owners = [Int](repeating: -1, count: Self.batchSize)
        while true {
            let got = batch.collect(descriptor)
            if stops { return }
            guard got > 0 else {
                if got == 0 || got == -Int(EAGAIN) { continue }
                return stop()
            }
            let (connections, refused) = assign(&batch, got, &owners)
            if refused > 0, !refuse(refused) { return stop() }
            var bytes = 0
            for index in 0..<got where owners[index] >= 0 { bytes += batch.length(index) }
            guard !connections.isEmpty else { continue }
            guard self.count(bytes, .up) else { return stop() }
            for (id, connection) in connections {
                for index in 0..<got { batch.mark(index, owners[index] == id) }
                batch.forward(connection.socket.raw, count: got)
            }
        }
    }

    /// Sets the flow's number, or -1, for each datagram of the batch.
    /// - Returns: the flows that got any, and the peer's bytes that no flow gets.
    private func assign(
        _ batch: inout DatagramBatch,
        _ count: Int,
        _ owners: inout [Int]
    ) -> (used: [(Int, Connection)], refused: Int) {
        var counted = RelayCounters()
        var refused = 0
        let used = self.flows.withLock { flows -> [(Int, Connection)] in
            var used: [(Int, Connection)] = []
            for index in 0..<count {
                owners[index] = -1
                let source = batch.source(index)
                let length = batch.length(index)
                var verdict = flows.judge(source, length: length)
                if verdict == .open, let source, let connection = self.connect() {
                    flows.open(source, connection)
                    wakeUp.signal()
                    verdict = flows.judge(source, length: length)
                }
                switch verdict {
                case .forward(let place):
                    let flow = flows.flows[place]
                    owners[index] = flow.id
                    if !used.contains(where: { $0.0 == flow.id }) { used.append((flow.id, flow.connection)) }
                case .stranger: counted.strangers += 1
                case .open, .refused:
                    counted.refused += 1
                    refused += length + UDPLength.headers
                }
            }
            return used
        }
        if counted != RelayCounters() { add(strangers: counted.strangers, refused: counted.refused) }
        return (used, refused)
    }

    /// nil if the machine has no descriptor or memory for it: the hello is lost, like any datagram may be.
    private func connect() -> Connection? {
        guard let socket = try? Socket.connectUDP(service) else { return nil }
        socket.askBuffers(receive: Self.bufferBytes)
        return Connection(socket)
    }

    // MARK: From the service to the peer

    func runDown() {
        guard var batch = try? DatagramBatch(capacity: Self.batchSize, datagramBytes: UDPLength.longestPayload) else {
            return stop()
        }
        while !stops {
            let flows = self.flows.withLock { $0.flows }
            var entries = [pollfd(fd: wakeUp.raw, events: Int16(POLLIN), revents: 0)]
            for flow in flows {
                entries.append(pollfd(fd: flow.connection.socket.raw, events: Int16(POLLIN), revents: 0))
            }
            let code = SystemCall.poll(&entries, timeout: nil)
            guard code >= 0 else {
                if code == -EINTR { continue }
                return stop()
            }
            if entries[0].revents != 0 { wakeUp.clear() }
            for (flow, entry) in zip(flows, entries.dropFirst()) where entry.revents != 0 {
                guard !stops else { return }
                guard answer(flow, &batch) else { return stop() }
            }
        }
    }

    /// Forwards what the service has sent on one flow; false if the bytes are no longer allowed.
    private func answer(_ flow: RelayFlows<Connection>.Flow, _ batch: inout DatagramBatch) -> Bool {
        let got = batch.receive(flow.connection.socket.raw, blocking: false)
        guard got > 0 else {
            // Nothing listens there, or not any more: the slot may belong to another flow.
            if got != -Int(EAGAIN) { flows.withLock { $0.close(flow.id) } }
            return true
        }
        if !flow.isAnswered { flows.withLock { $0.answered(flow.id) } }
        var bytes = 0
        var refused: UInt64 = 0
        for index in 0..<got {
            let length = batch.length(index)
            let passes = permit.passes(.down, length: length)
            batch.mark(index, passes)
            if passes { bytes += length } else { refused += 1 }
        }
        if refused > 0 { add(refused: refused) }
        guard refused < UInt64(got) else { return true }
        guard self.count(bytes, .down) else { return false }
        batch.forward(descriptor, count: got, to: flow.source)
        return true
    }

    private func add(strangers: UInt64 = 0, refused: UInt64) {
        counters.withLock {
            $0.strangers &+= strangers
            $0.refused &+= refused
        }
    }
}
