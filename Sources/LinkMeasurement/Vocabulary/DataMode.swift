/// How a test's bytes travel.
package enum DataMode: String, WireName {
    /// Inside mutual TLS, through the control port.
    case tunneled
    /// Over a port that is open for one test.
    case directEphemeral = "direct_ephemeral"
}
