//! One request to an adapter, taken apart.

use super::adapters::Purpose;
use super::protocol::{AdapterAnswer, AdapterRequest, Question};
use super::session::AdapterSession;
use crate::system::explained::Explained;
use crate::system::session::ProbeStep;

impl AdapterSession {
    /// Asks something and tells the request, the answer and what follows from it.
    pub(super) async fn explained(&self, step: ProbeStep<'_>) -> Explained {
        let (purpose, question) = match step {
            ProbeStep::Ready(node) => (Purpose::Questions, Question::Ready { node }),
            ProbeStep::Write(write) => (Purpose::Writes, self.question_of(write)),
            ProbeStep::Read(node, key) => (Purpose::Reads, Question::Read { node, key }),
            ProbeStep::Dump(node) => (Purpose::Questions, Question::Dump { node }),
        };
        let began = self.now();
        let answered = self.answer_to(purpose, &question).await;
        let latency_us = self.now().since(began);
        let (answer, result) = match answered {
            Ok(answer) => (answer.to_string(), self.meaning(&question, &answer)),
            Err(error) => (String::new(), Err(error.reason)),
        };
        Explained {
            node: question.node(),
            // What cannot be written as JSON cannot be asked either.
            request: serde_json::to_string(&AdapterRequest { id: 0, question: &question }).unwrap_or_default(),
            headers: Vec::new(),
            body: None,
            status: None,
            answer_bytes: answer.len(),
            answer: super::protocol::shortened(&answer),
            latency_us,
            rules: Vec::new(),
            result,
        }
    }

    /// What an answer means, in words.
    fn meaning(&self, question: &Question<'_>, answer: &AdapterAnswer) -> Result<String, String> {
        let (versions, counts_leader) = self.reads();
        let refused = answer.error().map_or(Ok(()), Err);
        match question {
            Question::Write { .. } => {
                let written = answer.written(versions, counts_leader)?;
                Ok(format!("{:?}", written.outcome).to_lowercase())
            }
            Question::Read { .. } => {
                refused?;
                let found = answer.found(versions)?;
                Ok(found
                    .map_or_else(|| "the node does not have the key".to_owned(), |found| format!("{:?}", found.value)))
            }
            Question::Dump { .. } => {
                refused?;
                Ok(format!("{} keys", answer.entries(versions)?.len()))
            }
            _ => refused.map(|()| "ready".to_owned()),
        }
    }
}
