"""Which queue carries each task, as Django's settings name it."""

from kombu import Exchange, Queue

WORKER_QUEUES = INCOMING, FETCHING, OUTGOING, UPKEEP = "incoming", "fetching", "outgoing", "upkeep"
"""What waits for other servers has queues of its own, so that nothing else waits with it."""

FORMER = "celery"
"""The one queue of earlier versions: what an upgrade finds in it is still done."""

QUEUE_OF_TASK = {
    # What the listener stored, retries, and what people release or process again.
    "incoming_email.process": INCOMING,
    "incoming_email.sweep": INCOMING,
    "incoming_email.retry_failed": INCOMING,
    # Waits for the servers that mail is fetched from.
    "incoming_email.poll_mailboxes": FETCHING,
    "incoming_email.poll_mailbox": FETCHING,
    "incoming_email.backfill_mailbox": FETCHING,
    # Waits for the servers that mail is sent by.
    "issues.deliver_outgoing_email": OUTGOING,
    "issues.sweep_outgoing_email": OUTGOING,
    "incoming_email.alert": UPKEEP,
    "incoming_email.finish_waiting_series": UPKEEP,
    "incoming_email.heartbeat": UPKEEP,
    "incoming_email.probe": UPKEEP,
    "incoming_email.purge": UPKEEP,
    "incoming_email.sum_and_index": UPKEEP,
    "incoming_email.tell_of_held_mail": UPKEEP,
    "issues.keep_html": UPKEEP,
    "issues.remove_orphan_files": UPKEEP,
    "issues.sweep_repositories": UPKEEP,
    "servicedesk.delete_spam": UPKEEP,
    "servicedesk.give_up_verifications": UPKEEP,
    "servicedesk.plan_held_mail": UPKEEP,
    "servicedesk.watch_mail_servers": UPKEEP,
}
"""Every task of ours. Beat sends a heartbeat by each queue, and names the queue itself."""

# An exchange each: with the default one all of them would get every task.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in WORKER_QUEUES]
CELERY_TASK_DEFAULT_QUEUE = UPKEEP
CELERY_TASK_ROUTES = {task: {"queue": queue} for task, queue in QUEUE_OF_TASK.items()}
