/// The endpoint's place in the network, as its owner configured it.
package enum NetworkPosition: String, WireName {
    case wan, lan, hybrid, unknown
}
