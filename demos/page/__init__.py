"""The web page: visitors, their conversations, hands-free calls, and the people who take over."""
