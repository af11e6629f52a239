//! Text with places that are only known once a cluster starts: addresses and folders.

use super::node_id::NodeId;

/// Text with places that the cluster fills in when it starts a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Place(Place),
}

/// What the cluster fills in, as seen by the node that the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The address on which the node itself listens: the loopback address, or every address of its
    /// container.
    Host,
    /// The port on which the node itself listens; 0 if it chooses one and announces it.
    Port,
    /// The port on which the node listens for other nodes, if that is another than the one for clients. A node has such
    /// a port if one of its arguments names it.
    PeerPort,
    /// The node's own folder, with its files.
    Folder,
    /// The node's durable folder, if its [`Lifecycle`](super::Lifecycle) has one.
    Storage,
    /// The host at which the node reaches another node, or the proxy of the link between them.
    HostOf(NodeId),
    /// The port at which the node reaches another node, or the proxy of the link between them. It leads to the other's
    /// [`Place::PeerPort`] if that has one.
    PortOf(NodeId),
    /// The host at which the node reaches another node past every proxy.
    DirectHostOf(NodeId),
    /// The port at which the node reaches another node past every proxy.
    DirectPortOf(NodeId),
}

impl Text {
    /// Text without anything in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text as it stands.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Literal(text.into()));
        self
    }

    /// Adds a place.
    #[must_use]
    pub fn place(mut self, place: Place) -> Self {
        self.0.push(Piece::Place(place));
        self
    }

    /// Adds where another node is reached, as `HOST:PORT`.
    #[must_use]
    pub fn address_of(self, node: NodeId) -> Self {
        self.place(Place::HostOf(node)).text(":").place(Place::PortOf(node))
    }

    /// Adds the base URL of another node, `http://HOST:PORT`.
    #[must_use]
    pub fn url_of(self, node: NodeId) -> Self {
        self.text("http://").address_of(node)
    }

    /// Joins texts with a separator between them.
    #[must_use]
    pub fn joined(texts: impl IntoIterator<Item = Self>, separator: &str) -> Self {
        let mut pieces = Vec::new();
        for text in texts {
            if !pieces.is_empty() && !separator.is_empty() {
                pieces.push(Piece::Literal(separator.to_owned()));
            }
            pieces.extend(text.0);
        }
        Self(pieces)
    }

    /// Whether the text has a place to fill in.
    #[must_use]
    pub fn has(&self, place: Place) -> bool {
        self.0.contains(&Piece::Place(place))
    }

    /// The text with every place filled in.
    #[must_use]
    pub fn fill(&self, fill: impl Fn(Place) -> String) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Place(place) => fill(*place),
        });
        pieces.collect()
    }
}

impl<T: Into<String>> From<T> for Text {
    fn from(text: T) -> Self {
        Self::new().text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_in_and_the_rest_stands_as_it_is() {
        let fill = |place| match place {
            Place::Host => "h".to_owned(),
            Place::Port => "1".to_owned(),
            Place::PeerPort => "3".to_owned(),
            Place::Folder => "/d".to_owned(),
            Place::Storage => "/s".to_owned(),
            Place::HostOf(node) | Place::DirectHostOf(node) => node.to_string(),
            Place::PortOf(_) | Place::DirectPortOf(_) => "2".to_owned(),
        };
        let own = Text::from("{a} ").place(Place::Host).text(":").place(Place::Port).text(" ").place(Place::Folder);
        assert_eq!(own.fill(fill), "{a} h:1 /d");
        let others = [NodeId::Leader, NodeId::Follower(0)].map(|node| Text::new().url_of(node));
        assert_eq!(Text::joined(others, ",").fill(fill), "http://leader:2,http://f1:2");
        assert_eq!(Text::new().fill(fill), "");
        assert!(own.has(Place::Port) && !own.has(Place::PeerPort));
    }
}
