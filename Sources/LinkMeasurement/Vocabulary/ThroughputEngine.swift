/// What moves the bytes of a throughput test.
package enum ThroughputEngine: String, WireName {
    case native, iperf3
}
