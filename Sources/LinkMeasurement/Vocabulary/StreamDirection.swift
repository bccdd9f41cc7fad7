/// Seen from the client: up is toward the reflector.
package enum StreamDirection: String, WireName {
    case up, down
}
