package enum TransportProtocol: String, WireName {
    case tcp, udp
}
