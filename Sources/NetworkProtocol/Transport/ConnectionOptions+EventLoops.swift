internal import NIOCore
internal import NIOPosix

extension ConnectionOptions {
    /// The program's, or those of the process by default.
    var eventLoops: any EventLoopGroup { eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton }
}
