//! From a host name to addresses to try, in order (RFC 3263 §4, RFC 2782).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{ResolverBuilder, TokioResolver};
use rand_core::{OsRng, TryRngCore};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::inbox::Notice;
use super::steering::Steering;
use crate::base::flow::Transport;
use crate::base::limits::{LOOKUP_MAX, LOOKUPS_AT_ONCE, TARGETS_MAX};
use crate::dialog::target::PORT_DEFAULT;
use crate::shard::{Input, Question};

/// One server is asked this often, and given this long each time.
const ATTEMPTS: usize = 2;
const ATTEMPT_MAX: Duration = Duration::from_secs(2);

/// Where to try, in order, and how long that holds.
type Found = (Vec<(Transport, SocketAddr)>, Duration);

/// Looks names up for the shards.
pub struct Names {
    resolver: TokioResolver,
    /// The transports that have a door.
    served: Vec<Transport>,
    steering: Arc<Steering>,
    runtime: Handle,
    turn: Semaphore,
}

impl Names {
    /// As the system is set up, its hosts file included. Without any set-up only the hosts file
    /// is asked.
    pub fn new(served: Vec<Transport>, steering: Arc<Steering>, runtime: Handle) -> Arc<Names> {
        let _inside = runtime.enter();
        let resolver = system_resolver();
        let turn = Semaphore::new(LOOKUPS_AT_ONCE);
        Arc::new(Names { resolver, served, steering, runtime: runtime.clone(), turn })
    }

    /// Looks a name up and tells the shard what was found.
    pub fn look_up(self: &Arc<Names>, shard: usize, question: Question) {
        let names = Arc::clone(self);
        self.runtime.spawn(async move {
            // The gate is never closed.
            let _turn = names.turn.acquire().await;
            let found = timeout(LOOKUP_MAX, names.find(&question)).await;
            let (targets, fresh_for) = found.unwrap_or_default();
            debug!(event = "looked_up", targets = targets.len());
            if let Some(inbox) = names.steering.inbox(shard) {
                let resolved = Input::Resolved { question, targets, fresh_for };
                inbox.tell(Notice::Input(resolved));
            }
        });
    }

    async fn find(&self, question: &Question) -> Found {
        if let Some(port) = question.port {
            // RFC 3263 §4.1: a port that is named rules out SRV, and UDP is the default.
            let transport = question.transport.unwrap_or(Transport::Udp);
            return self.addresses(&question.host, transport, port).await;
        }
        if let Some(by_service) = self.by_service(question).await {
            return by_service;
        }
        let transport = question.transport.unwrap_or(Transport::Udp);
        self.addresses(&question.host, transport, PORT_DEFAULT).await
    }

    /// By SRV records, of the transport asked for or of every one that is served; `None` if
    /// there are none at all, not even one that leads nowhere.
    async fn by_service(&self, question: &Question) -> Option<Found> {
        let (mut targets, mut fresh_for) = (Vec::new(), Duration::MAX);
        let mut is_any = false;
        for &transport in &self.served {
            if question.transport.is_some_and(|asked| asked != transport) {
                continue;
            }
            let (servers, fresh) = self.servers(transport, &question.host).await;
            is_any |= !servers.is_empty();
            for server in ordered(servers, random_below) {
                if targets.len() >= TARGETS_MAX || server.target.is_root() {
                    continue; // RFC 2782: a target of "." says that there is no such service.
                }
                let host = server.target.to_ascii();
                let (found, of_addresses) = self.addresses(&host, transport, server.port).await;
                targets.extend(found);
                fresh_for = fresh_for.min(fresh).min(of_addresses);
            }
        }
        targets.truncate(TARGETS_MAX);
        is_any.then_some((targets, fresh_for))
    }

    async fn servers(&self, transport: Transport, host: &str) -> (Vec<SRV>, Duration) {
        let absolute = host.strip_suffix('.').unwrap_or(host);
        let name = format!("_sip._{transport}.{absolute}.");
        let Ok(found) = self.resolver.lookup(name, RecordType::SRV).await else {
            return (Vec::new(), Duration::ZERO);
        };
        let servers = found.answers().iter().filter_map(|record| match &record.data {
            RData::SRV(server) => Some(server.clone()),
            _ => None,
        });
        (servers.take(TARGETS_MAX).collect(), left(found.valid_until()))
    }

    async fn addresses(&self, host: &str, transport: Transport, port: u16) -> Found {
        let Ok(found) = self.resolver.lookup_ip(host).await else { return Found::default() };
        let target = |ip: IpAddr| (transport, SocketAddr::new(ip, port));
        let targets = found.iter().map(target).take(TARGETS_MAX).collect();
        (targets, left(found.valid_until()))
    }
}

fn system_resolver() -> TokioResolver {
    let built = TokioResolver::builder_tokio().and_then(|builder| prepared(builder).build());
    built.unwrap_or_else(|fault| {
        warn!(event = "no_resolver", reason = %fault, "only the hosts file is asked");
        let (none, runtime) = (ResolverConfig::default(), TokioRuntimeProvider::default());
        let built = prepared(TokioResolver::builder_with_config(none, runtime)).build();
        built.expect("a resolver without servers needs nothing")
    })
}

fn prepared(
    mut builder: ResolverBuilder<TokioRuntimeProvider>,
) -> ResolverBuilder<TokioRuntimeProvider> {
    let options = builder.options_mut();
    // Nothing hurries a datagram to an address that does not answer, and more phones have IPv4.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.attempts = ATTEMPTS;
    options.timeout = ATTEMPT_MAX;
    builder
}

fn left(valid_until: std::time::Instant) -> Duration {
    Instant::from_std(valid_until).saturating_duration_since(Instant::now())
}

/// The order of RFC 2782: by priority; among equals drawn by weight, those without weight first
/// in the drum, so that they have a small chance. `below` draws a number below its argument.
fn ordered(mut servers: Vec<SRV>, mut below: impl FnMut(u32) -> u32) -> Vec<SRV> {
    servers.sort_by_key(|server| (server.priority, server.weight));
    let mut sorted = Vec::with_capacity(servers.len());
    while let Some(first) = servers.first() {
        let priority = first.priority;
        let equals = servers.iter().take_while(|server| server.priority == priority);
        let total: u32 = equals.clone().map(|server| u32::from(server.weight)).sum();
        let drawn = below(total + 1);
        let mut sum = 0;
        let place = equals
            .map(|server| {
                sum += u32::from(server.weight);
                sum
            })
            .position(|sum| sum >= drawn);
        sorted.push(servers.remove(place.unwrap_or(0)));
    }
    sorted
}

fn random_below(bound: u32) -> u32 {
    // A system without random numbers has not come this far.
    OsRng.try_next_u32().unwrap_or(0) % bound.max(1)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use hickory_resolver::config::NameServerConfig;
    use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
    use hickory_resolver::proto::rr::rdata::A;
    use hickory_resolver::proto::rr::{Name, Record};

    use super::*;
    use crate::base::mint::Secret;
    use crate::shard::served::Served;
    use crate::transport::inbox::{Takings, inbox};

    fn srv(priority: u16, weight: u16, port: u16, target: &str) -> SRV {
        SRV::new(priority, weight, port, Name::from_ascii(target).expect("a name"))
    }

    /// A name server with a few names, for as long as the process lives.
    fn name_server() -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("bound");
        std::thread::spawn(move || {
            let mut octets = [0; 1500];
            while let Ok((count, peer)) = socket.recv_from(&mut octets) {
                let asked = Message::from_vec(&octets[..count]).expect("a question");
                let query = asked.queries[0].clone();
                let mut answer = asked.into_response();
                answer.metadata.message_type = MessageType::Response;
                let records = zone(&query.name().to_ascii(), query.query_type());
                if records.is_empty() {
                    answer.metadata.response_code = ResponseCode::NXDomain;
                }
                for data in records {
                    answer.add_answer(Record::from_rdata(query.name().clone(), 60, data));
                }
                socket.send_to(&answer.to_vec().expect("written"), peer).expect("sent");
            }
        });
        address
    }

    fn zone(name: &str, kind: RecordType) -> Vec<RData> {
        let a = |last| RData::A(A::new(192, 0, 2, last));
        match (name, kind) {
            ("a.example.com.", RecordType::A) => vec![a(1)],
            ("b.example.com.", RecordType::A) => vec![a(2)],
            ("only-a.example.com.", RecordType::A) => vec![a(3)],
            ("closed.example.com.", RecordType::A) => vec![a(4)],
            ("_sip._udp.example.com.", RecordType::SRV) => vec![
                RData::SRV(srv(2, 0, 5062, "b.example.com.")),
                RData::SRV(srv(1, 0, 5061, "a.example.com.")),
            ],
            ("_sip._tcp.example.com.", RecordType::SRV) => {
                vec![RData::SRV(srv(1, 0, 5070, "a.example.com."))]
            }
            ("_sip._udp.closed.example.com.", RecordType::SRV) => {
                vec![RData::SRV(srv(0, 0, 0, "."))]
            }
            _ => Vec::new(),
        }
    }

    struct Bench {
        names: Arc<Names>,
        takings: Takings,
        runtime: tokio::runtime::Runtime,
    }

    fn bench(served: Vec<Transport>) -> Bench {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (inbox, takings) = inbox().expect("a pipe");
        let users = Arc::default();
        let of_nobody = Served::new(&Default::default(), &[], users);
        let steering = Steering::new(Secret::new([0; 16]), of_nobody, vec![Arc::new(inbox)]);
        let names = Names::new(served, Arc::new(steering), runtime.handle().clone());
        let mut names = Arc::into_inner(names).expect("nobody else has it");
        let _inside = runtime.enter();
        let server = name_server();
        let mut config = NameServerConfig::udp(server.ip());
        config.connections[0].port = server.port();
        let config = ResolverConfig::from_name_servers(vec![config]);
        let provider = TokioRuntimeProvider::default();
        let builder = TokioResolver::builder_with_config(config, provider);
        names.resolver = prepared(builder).build().expect("a resolver");
        drop(_inside);
        Bench { names: Arc::new(names), takings, runtime }
    }

    fn question(host: &str, port: Option<u16>, transport: Option<Transport>) -> Question {
        Question { host: host.to_owned(), port, transport }
    }

    fn texts(found: Found) -> Vec<String> {
        found.0.into_iter().map(|(transport, at)| format!("{transport} {at}")).collect()
    }

    #[test]
    fn names_are_found_as_rfc_3263_says() {
        use Transport::{Tcp, Udp};
        let bench = bench(vec![Udp, Tcp]);
        for (host, port, transport, expected) in [
            (
                "example.com",
                None,
                None,
                &["udp 192.0.2.1:5061", "udp 192.0.2.2:5062", "tcp 192.0.2.1:5070"][..],
            ),
            ("example.com", None, Some(Tcp), &["tcp 192.0.2.1:5070"]),
            ("only-a.example.com", None, None, &["udp 192.0.2.3:5060"]),
            ("only-a.example.com", None, Some(Tcp), &["tcp 192.0.2.3:5060"]),
            ("a.example.com", Some(5080), None, &["udp 192.0.2.1:5080"]),
            ("a.example.com", Some(5080), Some(Tcp), &["tcp 192.0.2.1:5080"]),
            ("closed.example.com", None, None, &[]),
            ("nobody.example.com", None, None, &[]),
            ("not a name", None, None, &[]),
        ] {
            let asked = question(host, port, transport);
            let found = bench.runtime.block_on(bench.names.find(&asked));
            assert!(found.1 <= Duration::from_secs(60) || found.0.is_empty(), "{host}");
            assert_eq!(texts(found), expected, "{host} {port:?} {transport:?}");
        }
    }

    #[test]
    fn the_hosts_file_is_honoured() {
        let bench = bench(vec![Transport::Udp]);
        let found = bench.runtime.block_on(bench.names.find(&question("localhost", None, None)));
        assert!(texts(found).contains(&"udp 127.0.0.1:5060".to_owned()));
    }

    #[test]
    fn the_shard_that_asked_is_told() {
        let bench = bench(vec![Transport::Udp]);
        let asked = question("nobody.example.com", Some(5060), None);
        bench.names.look_up(0, asked.clone());
        let inbox = bench.names.steering.inbox(0).expect("one shard");
        let started = Instant::now();
        while inbox.is_empty() && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let Some(Notice::Input(Input::Resolved { question, targets, .. })) =
            bench.takings.notice(inbox)
        else {
            panic!("told")
        };
        assert_eq!((question, targets), (asked, Vec::new()));
    }

    #[test]
    fn servers_of_one_priority_are_drawn_by_weight() {
        let servers = || {
            vec![srv(2, 5, 1, "a."), srv(1, 0, 2, "b."), srv(1, 10, 3, "c."), srv(1, 30, 4, "d.")]
        };
        let ports = |draw: &dyn Fn(u32) -> u32| -> Vec<u16> {
            ordered(servers(), draw).iter().map(|server| server.port).collect()
        };
        assert_eq!(ports(&|_| 0), [2, 3, 4, 1]);
        assert_eq!(ports(&|bound| bound - 1), [4, 3, 2, 1]);
        assert_eq!(ports(&|bound| 10.min(bound - 1)), [3, 4, 2, 1]);
        let first = |server: &u16| (0..41).filter(|n| ports(&|_| *n)[0] == *server).count();
        assert_eq!([2, 3, 4].map(|server| first(&server)), [1, 10, 30]);
    }
}
