//! Databases on the PostgreSQL server that the run was given.

use std::net::{SocketAddr, ToSocketAddrs};

use postgres::{Client, NoTls};
use url::Url;

use crate::Failure;

/// An administrator's connection.
pub(crate) struct Server {
    client: Client,
    url: Url,
    pub(crate) address: SocketAddr,
    pub(crate) version: String,
}

/// The one database that the measurements use, one after the other.
const DATABASE: &str = "migrate_bench";

impl Server {
    pub(crate) fn connect(url: &str) -> Result<Self, Failure> {
        let mut url = Url::parse(url).map_err(|_| Failure("this is no URL".to_owned()))?;
        let host = url.host_str().unwrap_or("localhost").to_owned();
        let address = (host.as_str(), url.port().unwrap_or(5432)).to_socket_addrs()?;
        let address = address
            .into_iter()
            .next()
            .ok_or_else(|| Failure(format!("{host} has no address")))?;
        // What is counted must be readable on the wire.
        url.set_query(Some("sslmode=disable"));
        let mut client = Client::connect(url.as_str(), NoTls)?;
        let version = client.query_one("SHOW server_version", &[])?.get(0);
        Ok(Self {
            client,
            url,
            address,
            version,
        })
    }

    /// Makes the database anew and empty.
    pub(crate) fn fresh(&mut self) -> Result<(), Failure> {
        self.drop()?;
        self.client
            .batch_execute(&format!("CREATE DATABASE {DATABASE}"))?;
        // The server of the tests writes every statement into its log, which costs time.
        let quiet = format!("ALTER DATABASE {DATABASE} SET log_statement = 'none'");
        let _ = self.client.batch_execute(&quiet);
        Ok(())
    }

    pub(crate) fn drop(&mut self) -> Result<(), Failure> {
        Ok(self
            .client
            .batch_execute(&format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))?)
    }

    /// The database's URL: direct, or through a proxy.
    pub(crate) fn url(&self, at: SocketAddr) -> Result<String, Failure> {
        let mut url = self.url.clone();
        let host = url.set_host(Some(&at.ip().to_string()));
        host.map_err(|_| Failure("the URL takes no host".to_owned()))?;
        url.set_port(Some(at.port()))
            .map_err(|()| Failure("the URL takes no port".to_owned()))?;
        url.set_path(DATABASE);
        Ok(url.into())
    }
}
