/// The kinds of test.
package enum TestType: String, WireName {
    case throughput
    case udpEcho = "udp_echo"
}
