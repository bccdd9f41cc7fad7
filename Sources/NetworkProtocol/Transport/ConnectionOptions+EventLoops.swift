internal import NIOCore
internal import NIOPosix

extension ConnectionOptions {
    /// The program's, or else those of the process.
    var eventLoops: any EventLoopGroup { eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton }
}
