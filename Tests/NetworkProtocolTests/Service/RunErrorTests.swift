internal import Identity
internal import Testing

@testable import NetworkProtocol

@Suite("Errors of daemons and clusters")
struct RunErrorTests {
    @Test func `a daemon's error has a code to compare, a message to read and what belongs to it`() {
        let listen = DaemonError.cannotListen(address: "h:1", reason: "taken")
        #expect(listen.code == .cannotListen && listen.address == "h:1" && listen.detail == "taken")
        #expect(listen.message == "cannot listen on h:1: taken" && "\(listen)" == listen.message)
        let tls = DaemonError.tls(reason: "expired")
        #expect(tls.code == .tls && tls.detail == "expired" && tls.address == nil)
        let late = DaemonError.shutdownTimedOut(connections: 2)
        #expect(late.code == .shutdownTimedOut && late.connections == 2 && late.message.contains("2 connections were"))
        #expect(DaemonError.alreadyRan.code == .alreadyRan && DaemonError.alreadyRan.connections == nil)
        #expect(listen != .cannotListen(address: "h:1", reason: "not there"))
        let codes = [listen, tls, late, .alreadyRan].map(\.code.description)
        #expect(codes == ["cannot_listen", "tls", "shutdown_timed_out", "already_ran"])
    }

    @Test func `a cluster's error has a code to compare, a message to read and what belongs to it`() {
        let configuration = ClusterError.configuration("a name is empty")
        #expect(configuration.code == .configuration && configuration.detail == "a name is empty")
        #expect(configuration.message == "the cluster's configuration is wrong: a name is empty")
        let listen = ClusterError.cannotListen(address: "UDP h:1", reason: "taken")
        #expect(listen.code == .cannotListen && listen.address == "UDP h:1" && listen.detail == "taken")
        #expect(ClusterError.noAddress.code == .noAddress && ClusterError.noAddress.detail == nil)
        let codes = [configuration, listen, .noAddress, .alreadyRan].map(\.code.description)
        #expect(codes == ["configuration", "cannot_listen", "no_address", "already_ran"])
    }

    @Test func `an error of a message to a member names the member, the limit or the cause`() {
        let member = NumberedIdentity.id(2)
        let lost = ClusterMessagingError.connection(member, .closedByPeer)
        #expect(lost.code == .connection && lost.member == member && lost.cause == .closedByPeer)
        #expect(lost.message == "member \(member): the peer closed the connection")
        let unknown = ClusterMessagingError.notAMember(member)
        #expect(unknown.code == .notAMember && unknown.member == member && unknown.cause == nil)
        let many = ClusterMessagingError.tooManyConnections(limit: 3)
        #expect(many.code == .tooManyConnections && many.limit == 3 && many.member == nil)
        let codes = [lost, unknown, many, .notRunning, .takesNoMessages(member)].map(\.code.description)
        #expect(
            codes == ["connection", "not_a_member", "too_many_connections", "not_running", "takes_no_messages"]
        )
    }
}
