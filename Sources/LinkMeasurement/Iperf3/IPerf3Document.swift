/// The parts of `iperf3 -J` output that are used. A member that is missing or of another type is nil, never an error:
/// iperf3 itself leaves members out depending on role, protocol, version and how a test ended, and the output of a
/// hostile peer may contain anything.
struct IPerf3Document: Decodable {
    /// One sum over all streams of a direction, for an interval or the whole test.
    struct Sum: Decodable {
        var start: Double?
        var end: Double?
        var seconds: Double?
        var bytes: Int?
        var bitsPerSecond: Double?
        var retransmits: Int?
        var jitterMs: Double?
        var lostPackets: Int?
        var packets: Int?
        var lostPercent: Double?
        var omitted: Bool?

        init(from decoder: any Decoder) throws {
            guard let members = try? decoder.container(keyedBy: Member.self) else { return }
            start = members.number("start")
            end = members.number("end")
            seconds = members.number("seconds")
            bytes = members.integer("bytes")
            bitsPerSecond = members.number("bits_per_second")
            retransmits = members.integer("retransmits")
            jitterMs = members.number("jitter_ms")
            lostPackets = members.integer("lost_packets")
            packets = members.integer("packets")
            lostPercent = members.number("lost_percent")
            omitted = members.value("omitted", as: Bool.self)
        }
    }

    struct Interval: Decodable {
        /// For the requested direction.
        var sum: Sum?
        /// For the other direction with `--bidir`.
        var reverseSum: Sum?

        init(from decoder: any Decoder) throws {
            guard let members = try? decoder.container(keyedBy: Member.self) else { return }
            sum = members.value("sum", as: Sum.self)
            reverseSum = members.value("sum_bidir_reverse", as: Sum.self)
        }
    }

    /// The three sums that iperf3 prints for a direction; old versions print only `plain` for UDP.
    struct Total {
        var plain: Sum?
        var sent: Sum?
        var received: Sum?

        var isEmpty: Bool { plain == nil && sent == nil && received == nil }
    }

    var transport: String?
    var reverse = false
    var streams: Int?
    var forward = Total()
    var backward = Total()
    var intervals: [Interval] = []
    var ownCPUPercent: Double?
    var remoteCPUPercent: Double?
    var error: String?

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Member.self)
        error = members.value("error", as: String.self)
        if let test = members.nested("start")?.nested("test_start") {
            transport = test.value("protocol", as: String.self)
            reverse = test.integer("reverse") == 1
            streams = test.integer("num_streams")
        }
        if let end = members.nested("end") {
            forward.plain = end.value("sum", as: Sum.self)
            forward.sent = end.value("sum_sent", as: Sum.self)
            forward.received = end.value("sum_received", as: Sum.self)
            backward.plain = end.value("sum_bidir_reverse", as: Sum.self)
            backward.sent = end.value("sum_sent_bidir_reverse", as: Sum.self)
            backward.received = end.value("sum_received_bidir_reverse", as: Sum.self)
            if let processor = end.nested("cpu_utilization_percent") {
                ownCPUPercent = processor.number("host_total")
                remoteCPUPercent = processor.number("remote_total")
            }
        }
        guard var list = try? members.nestedUnkeyedContainer(forKey: Member("intervals")) else { return }
        while !list.isAtEnd, intervals.count < IPerf3Output.mostIntervals {
            guard let interval = try? list.decode(Interval.self) else { break }
            intervals.append(interval)
        }
    }
}

extension IPerf3Document {
    /// A member's name in the document.
    struct Member: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }
}

extension KeyedDecodingContainer<IPerf3Document.Member> {
    fileprivate func value<Value: Decodable>(_ name: String, as type: Value.Type) -> Value? {
        let member = IPerf3Document.Member(name)
        // Checking first keeps the common case, an absent member, from creating an error.
        guard contains(member) else { return nil }
        return try? decode(type, forKey: member)
    }

    fileprivate func number(_ name: String) -> Double? {
        value(name, as: Double.self).flatMap { $0.isFinite ? $0 : nil }
    }

    /// A number as an integer; iperf3 writes large counts as `1.2e+16`.
    fileprivate func integer(_ name: String) -> Int? {
        number(name).flatMap { $0.magnitude <= Double(ThroughputBounds.bytes) ? Int($0.rounded()) : nil }
    }

    fileprivate func nested(_ name: String) -> Self? {
        let member = IPerf3Document.Member(name)
        guard contains(member) else { return nil }
        return try? nestedContainer(keyedBy: IPerf3Document.Member.self, forKey: member)
    }
}
