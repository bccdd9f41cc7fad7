/// What a peer in the address book takes part in without asking again. A peer may do nothing that is not listed.
///
/// Each is a row of its own in the file: a tool keeps, and never grants, the words that it does not know.
package enum Permission: String, Sendable, Hashable, CaseIterable {
    /// This user's tools may measure the link to the peer. The peer may ask nothing of this machine.
    case beMeasured = "be_measured"
}
