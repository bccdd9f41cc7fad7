/// What a peer in the address book may do, or be subject to, without a question to the user. Anything that is not
/// listed is denied.
///
/// Each permission is a row of its own in the file: a tool keeps, and never grants, those that it does not know.
package enum Permission: String, Sendable, Hashable, CaseIterable {
    /// This user's tools may measure the link to the peer. The peer may request nothing from this machine.
    case beMeasured = "be_measured"
    /// The peer may send files to this user's courier, which stores them in the folder that it receives into.
    case sendFiles = "send_files"
}
