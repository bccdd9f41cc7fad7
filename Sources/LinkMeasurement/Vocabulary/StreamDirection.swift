/// Seen from the client: up is towards the endpoint.
package enum StreamDirection: String, WireName {
    case up, down
}
