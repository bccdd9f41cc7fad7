internal import CoreMetrics
internal import PrometheusMetrics
internal import Testing

@Suite("Prometheus metrics")
struct PrometheusRegistryTests {
    let registry = PrometheusRegistry()

    /// The samples of a family, as they stand.
    private func lines(_ prefix: String) -> [String] {
        registry.text().split(separator: "\n").map(String.init).filter { $0.hasPrefix(prefix) }
    }

    @Test func `each kind of metric is written with its type, name and labels, by name`() {
        let counter = Counter(label: "np.messages", dimensions: [("way", "in")], factory: registry)
        counter.increment(by: 3)
        let meter = Meter(label: "np.connections", factory: registry)
        meter.set(2)
        meter.increment(by: 1.5)
        meter.decrement(by: 1)
        let gauge = Gauge(label: "np.load", factory: registry)
        gauge.record(0.25)
        let seconds = FloatingPointCounter(label: "np.busy", factory: registry)
        seconds.increment(by: 0.75)
        #expect(
            registry.text() == """
                # TYPE np_busy counter
                np_busy 0.75
                # TYPE np_connections gauge
                np_connections 2.5
                # TYPE np_load gauge
                np_load 0.25
                # TYPE np_messages counter
                np_messages{way="in"} 3
                # HELP metrics_series_refused_total Series beyond the limit, which are not here.
                # TYPE metrics_series_refused_total counter
                metrics_series_refused_total 0

                """
        )
    }

    @Test func `a timer is a histogram of seconds, whose buckets hold what is at most their bound`() {
        let timer = Timer(label: "np.handshake", dimensions: [("result", "ok")], factory: registry)
        for nanoseconds in [0, 100_000, 100_001, 2_500_000_000, 10_000_000_000, 10_000_000_001] as [Int64] {
            timer.recordNanoseconds(nanoseconds)
        }
        let lines = lines("np_handshake")
        #expect(lines.count == 19)
        #expect(lines[0] == #"np_handshake_bucket{result="ok",le="0.0001"} 2"#)
        #expect(lines[1] == #"np_handshake_bucket{result="ok",le="0.00025"} 3"#)
        #expect(lines[12] == #"np_handshake_bucket{result="ok",le="1.0"} 3"#)
        #expect(lines[13] == #"np_handshake_bucket{result="ok",le="2.5"} 4"#)
        #expect(lines[15] == #"np_handshake_bucket{result="ok",le="10.0"} 5"#)
        #expect(lines[16] == #"np_handshake_bucket{result="ok",le="+Inf"} 6"#)
        #expect(lines[17].hasPrefix(#"np_handshake_sum{result="ok"} 22.5002"#))
        #expect(lines[18] == #"np_handshake_count{result="ok"} 6"#)
    }

    @Test func `an aggregating recorder is a histogram of shares and sizes, one that does not is a gauge`() {
        Recorder(label: "ratio", factory: registry).record(0.3)
        Recorder(label: "last", aggregate: false, factory: registry).record(7)
        #expect(lines("ratio_bucket{le=\"0.25\"}") == ["ratio_bucket{le=\"0.25\"} 0"])
        #expect(lines("ratio_bucket{le=\"0.5\"}") == ["ratio_bucket{le=\"0.5\"} 1"])
        #expect(lines("ratio_sum") == ["ratio_sum 0.3"])
        #expect(lines("last") == ["last 7"])
    }

    @Test func `NaN and infinity leave counters and histograms as they are, and gauges show them`() {
        let counter = FloatingPointCounter(label: "c", factory: registry)
        let whole = Counter(label: "w", factory: registry)
        let recorder = Recorder(label: "h", factory: registry)
        let gauge = Gauge(label: "g", factory: registry)
        for value in [Double.nan, .infinity, -.infinity, 1] {
            counter.increment(by: value)
            recorder.record(value)
            gauge.record(value)
        }
        registry.makeCounter(label: "w", dimensions: []).increment(by: -5)
        whole.increment(by: Int64.max)
        whole.increment(by: Int64.max)
        #expect(lines("c") == ["c 1"])
        #expect(lines("h_sum") == ["h_sum 1"] && lines("h_count") == ["h_count 1"])
        #expect(lines("g") == ["g 1"])
        #expect(lines("w") == ["w 18446744073709551614"])
        gauge.record(Double.infinity)
        #expect(lines("g") == ["g +Inf"])
        gauge.record(Double.nan)
        #expect(lines("g") == ["g NaN"])
    }

    @Test func `names and labels that Prometheus does not take are changed so that it does`() {
        Counter(
            label: "1.größe-a b",
            dimensions: [("a.b", "1"), ("a_b", "2"), ("__name__", "3"), ("", "4")],
            factory: registry
        )
        .increment()
        #expect(lines("_1") == [#"_1_gr__e_a_b{_="4",a_b="1",a_b_="2",exported___name__="3"} 1"#])
        Timer(label: "t", dimensions: [("le", "5")], factory: registry).recordNanoseconds(1)
        #expect(lines("t_count") == [#"t_count{exported_le="5"} 1"#])
    }

    @Test func `the same labels in another order, with an empty one, or under another spelling are one series`() {
        Counter(label: "a.b", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        Counter(label: "a_b", dimensions: [("y", "2"), ("x", "1"), ("z", "")], factory: registry).increment()
        #expect(lines("a_b") == [#"a_b{x="1",y="2"} 2"#])
    }

    @Test func `metrics of different kinds that share a name get names of their own`() {
        Counter(label: "x", factory: registry).increment()
        Meter(label: "x", factory: registry).set(5)
        Timer(label: "x", factory: registry).recordNanoseconds(5)
        Counter(label: "x_timer_sum", factory: registry).increment(by: 9)
        let types = lines("# TYPE x")
        #expect(
            types == [
                "# TYPE x counter", "# TYPE x_gauge gauge", "# TYPE x_timer histogram",
                "# TYPE x_timer_sum_counter counter",
            ]
        )
        #expect(lines("x ") == ["x 1"] && lines("x_gauge ") == ["x_gauge 5"])
        #expect(lines("x_timer_sum_counter ") == ["x_timer_sum_counter 9"])
    }

    @Test func `a metric that was made twice and destroyed once goes on; destroyed twice it is gone, and begins anew`()
    {
        let first = Counter(label: "x", factory: registry)
        let second = Counter(label: "x", factory: registry)
        first.increment()
        second.increment()
        first.destroy()
        second.increment()
        #expect(lines("x") == ["x 3"])
        second.destroy()
        #expect(lines("x").isEmpty && lines("# TYPE x").isEmpty)
        second.destroy()
        Meter(label: "x", factory: registry).set(1)
        #expect(lines("# TYPE x") == ["# TYPE x gauge"])
    }

    @Test func `series beyond the limit are not kept, and counted; a destroyed one makes room`() {
        let registry = PrometheusRegistry(seriesLimit: 2)
        let first = Counter(label: "x", dimensions: [("peer", "1")], factory: registry)
        for peer in 1...5 { Counter(label: "x", dimensions: [("peer", "\(peer)")], factory: registry).increment() }
        #expect(registry.text().contains("x{peer=\"1\"} 1\nx{peer=\"2\"} 1\n#"))
        #expect(registry.text().contains("metrics_series_refused_total 3\n"))
        first.destroy()
        Counter(label: "x", dimensions: [("peer", "1")], factory: registry).destroy()
        #expect(registry.text().contains("x{peer=\"1\"} 1\n"))
        Counter(label: "x", dimensions: [("peer", "1")], factory: registry).destroy()
        registry.destroyCounter(registry.makeCounter(label: "x", dimensions: [("peer", "1")]))
        #expect(registry.text().contains("x{peer=\"1\"}"))
    }

    @Test func `a reset counter begins at nothing`() {
        let counter = Counter(label: "x", factory: registry)
        counter.increment(by: 5)
        counter.reset()
        counter.increment()
        #expect(lines("x") == ["x 1"])
    }

    @Test func `what eight tasks count at once is counted exactly, while others read`() async {
        let registry = registry
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    let counter = Counter(label: "c", factory: registry)
                    let parts = FloatingPointCounter(label: "p", factory: registry)
                    let meter = Meter(label: "m", factory: registry)
                    let timer = Timer(label: "t", factory: registry)
                    for step in 0..<5000 {
                        counter.increment()
                        parts.increment(by: 0.5)
                        meter.increment(by: 1)
                        timer.recordNanoseconds(1_000_000_000)
                        if step % 1000 == task { _ = registry.text() }
                    }
                }
            }
        }
        #expect(lines("c") == ["c 40000"] && lines("p") == ["p 20000"] && lines("m ") == ["m 40000"])
        #expect(lines("t_count") == ["t_count 40000"] && lines("t_sum") == ["t_sum 40000"])
    }
}
