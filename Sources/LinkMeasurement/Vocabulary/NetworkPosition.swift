/// Where in the network an endpoint stands, as its owner says.
package enum NetworkPosition: String, WireName {
    case wan, lan, hybrid, unknown
}
